#include "monitor/notify/notifier.hpp"

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "monitor/notify/delivery_queue.hpp"
#include "monitor/notify/payload.hpp"
#include "monitor/notify/post.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto longest_attempt = std::chrono::seconds(10);

DeliveryQueue::Policy policy_of(const Receiver& receiver) {
  return {.min_severity = receiver.min_severity, .resolved = receiver.resolved, .max_per_hour = receiver.max_per_hour};
}

}  // namespace

// One receiver's queue and the thread that empties it.
class Notifier::Courier {
 public:
  Courier(Receiver receiver, const Options& options, const Clock& clock)
      : options_(options),
        clock_(clock),
        name_(receiver.name),
        receiver_(std::move(receiver)),
        queue_(policy_of(receiver_)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void change(Receiver receiver) {
    const std::scoped_lock lock(mutex_);
    queue_.set_policy(policy_of(receiver));
    receiver_ = std::move(receiver);
  }
  void add(const Notification& notification) {
    {
      const std::scoped_lock lock(mutex_);
      queue_.add(notification, clock_.steady());
    }
    changed_.notify_one();
  }
  void request_stop() { thread_.request_stop(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Counts counts() const {
    const std::scoped_lock lock(mutex_);
    const auto& counts = queue_.counts();
    return {name_, counts.sent, counts.failed, counts.dropped, counts.held};
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      const auto message = queue_.next(clock_.steady());
      if (!message) {
        wait(lock, stop);
        continue;
      }
      const Receiver receiver = receiver_;
      lock.unlock();
      const Payload payload =
          make_payload(receiver.type, *message, {options_.vantage, options_.status_url, clock_.system()});
      const auto posted = post(receiver, payload, Deadline::after(clock_, longest_attempt), stop);
      lock.lock();
      if (stop.stop_requested() && posted.delivery.result != Delivery::Result::accepted) return;
      const bool given_up = queue_.finished(posted.delivery, clock_.steady(), random_unit());
      log_outcome(*message, posted, given_up);
    }
  }

  void wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    const auto is_due = [this] {
      const auto at = queue_.next_time();
      return at && *at <= clock_.steady();
    };
    if (const auto at = queue_.next_time()) {
      // The time may come closer while it waits; each notification wakes it to look.
      changed_.wait_until(lock, stop, *at, [&] { return is_due() || queue_.next_time() < at; });
    } else {
      changed_.wait(lock, stop, [this] { return queue_.next_time().has_value(); });
    }
  }

  void log_outcome(const Notification& message, const Posted& posted, bool given_up) const {
    if (posted.delivery.result == Delivery::Result::accepted) return;
    if (given_up) {
      log::warn("a notification was given up", {{"receiver", name_},
                                                {"event", event_name(message.event)},
                                                {"title", message.title},
                                                {"reason", posted.reason}});
    } else if (queue_.attempts() == 1) {
      log::warn("a notification did not get through, and is tried again",
                {{"receiver", name_}, {"event", event_name(message.event)}, {"reason", posted.reason}});
    }
  }

  const Options& options_;
  const Clock& clock_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Receiver receiver_;
  DeliveryQueue queue_;
  std::jthread thread_;
};

Notifier::Notifier(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

Notifier::~Notifier() {
  for (auto& courier : couriers_) courier->request_stop();  // all at once, then each is waited for
}

void Notifier::set_receivers(std::vector<Receiver> receivers) {
  std::vector<std::unique_ptr<Courier>> gone;  // ended after the lock was given back
  const std::scoped_lock lock(mutex_);
  for (auto& courier : couriers_) {
    if (std::ranges::find(receivers, courier->name(), &Receiver::name) == receivers.end()) {
      courier->request_stop();
      gone.push_back(std::move(courier));
    }
  }
  std::erase(couriers_, nullptr);
  for (auto& receiver : receivers) {
    const auto known =
        std::ranges::find_if(couriers_, [&](const auto& courier) { return courier->name() == receiver.name; });
    if (known != couriers_.end()) {
      (*known)->change(std::move(receiver));
    } else if (couriers_.size() < most_receivers) {
      couriers_.push_back(std::make_unique<Courier>(std::move(receiver), options_, clock_));
    }
  }
}

void Notifier::notify(const Notification& notification) {
  const std::scoped_lock lock(mutex_);
  for (auto& courier : couriers_) courier->add(notification);
}

std::vector<Notifier::Counts> Notifier::counts() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Counts> out;
  for (const auto& courier : couriers_) out.push_back(courier->counts());
  return out;
}

Result<> send_test_notification(const Receiver& receiver, const Notifier::Options& options, const Clock& clock,
                                Deadline deadline) {
  const Notification message{.event = Notification::Event::test,
                             .severity = Severity::info,
                             .key = "test",
                             .title = "Test from Turnkeeper",
                             .text = "Incidents and failovers seen from " + options.vantage + " will arrive here."};
  const auto payload = make_payload(receiver.type, message, {options.vantage, options.status_url, clock.system()});
  const auto posted = post(receiver, payload, deadline, {});
  if (posted.delivery.result == Delivery::Result::accepted) return {};
  const std::string message_text = "receiver " + receiver.name + " did not take the message: " + posted.reason;
  if (posted.delivery.result == Delivery::Result::refused) {
    return fail(message_text, "check its type, its URL and its headers");
  }
  return fail(message_text, "check that the URL's host is right and reachable from here");
}

}  // namespace turnkeeper::monitor
