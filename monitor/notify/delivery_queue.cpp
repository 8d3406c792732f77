#include "monitor/notify/delivery_queue.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using Event = Notification::Event;

constexpr auto hour = std::chrono::hours(1);
constexpr std::size_t most_titles = 5;
constexpr std::size_t most_told = 4096;
constexpr int most_doublings = 20;

bool is_end(const Notification& notification) {
  return notification.event == Event::incident_resolved || notification.event == Event::failover_ended;
}

}  // namespace

bool DeliveryQueue::is_news(const Notification& notification) {
  const auto found = told_.find(notification.key);
  if (is_end(notification)) {
    if (found == told_.end()) return false;
    told_.erase(found);
    return policy_.resolved;
  }
  if (notification.severity < policy_.min_severity) return false;
  if (notification.event == Event::incident_grew) {
    return found == told_.end() || notification.severity > found->second.severity;
  }
  return found == told_.end() || found->second.title != notification.title;
}

void DeliveryQueue::add(const Notification& notification, SteadyTime now) {
  if (notification.event == Event::test || notification.event == Event::summary) return enqueue(notification, now);
  if (!is_news(notification)) return;
  forget_admitted(now);
  const auto limit = policy_.max_per_hour * (notification.severity == Severity::critical ? 2 : 1);
  if (admitted_.size() >= limit) {
    ++counts_.held;
    ++held_count_;
    held_.push_back(notification.title);
    if (held_.size() > most_titles) held_.pop_front();
    return;
  }
  if (!is_end(notification) && told_.size() < most_told) {
    told_.insert_or_assign(notification.key, Told{notification.severity, notification.title});
  }
  enqueue(notification, now);
}

void DeliveryQueue::enqueue(Notification notification, SteadyTime now) {
  admitted_.push_back(now);
  if (queue_.size() >= policy_.capacity) {
    ++counts_.dropped;  // the oldest one: what is newer says more about what is now
    drop_front();
  }
  if (queue_.empty()) due_ = now;
  queue_.push_back({std::move(notification), now});
}

void DeliveryQueue::drop_front() {
  queue_.pop_front();
  attempts_ = 0;
}

void DeliveryQueue::forget_admitted(SteadyTime now) {
  while (!admitted_.empty() && now - admitted_.front() >= hour) admitted_.pop_front();
}

void DeliveryQueue::release_held(SteadyTime now) {
  if (held_count_ == 0) return;
  forget_admitted(now);
  if (admitted_.size() >= policy_.max_per_hour) return;
  Notification summary{.event = Event::summary,
                       .severity = Severity::warning,
                       .key = "summary",
                       .title = std::to_string(held_count_) +
                                (held_count_ == 1 ? " more message was held back" : " more messages were held back")};
  summary.text = "There were more than " + std::to_string(policy_.max_per_hour) + " in an hour. The newest of them:";
  for (const auto& title : held_) summary.text += "\n- " + title;
  held_.clear();
  held_count_ = 0;
  enqueue(std::move(summary), now);
}

std::optional<Notification> DeliveryQueue::next(SteadyTime now) {
  release_held(now);
  if (queue_.empty() || due_ > now) return std::nullopt;
  return queue_.front().notification;
}

bool DeliveryQueue::finished(const Delivery& delivery, SteadyTime now, double unit) {
  if (queue_.empty()) return false;
  ++attempts_;
  if (delivery.result == Delivery::Result::accepted) {
    ++counts_.sent;
    drop_front();
    due_ = now;
    return false;
  }
  using Milliseconds = std::chrono::milliseconds;
  const auto doubled = policy_.first_pause * (std::int64_t{1} << std::min(attempts_ - 1, most_doublings));
  const auto longest = std::min(policy_.longest_pause, Milliseconds(doubled));
  // Between a half and the whole: monitors that failed together do not come back together.
  auto pause = Milliseconds(static_cast<std::int64_t>(static_cast<double>(longest.count()) * (0.5 + unit / 2)));
  if (delivery.retry_after) pause = std::max<Milliseconds>(pause, *delivery.retry_after);
  const bool too_late = now + pause - queue_.front().added > policy_.give_up;
  if (delivery.result == Delivery::Result::retry && !too_late) {
    due_ = now + pause;
    return false;
  }
  ++counts_.failed;
  drop_front();
  due_ = now;
  return true;
}

std::optional<SteadyTime> DeliveryQueue::next_time() const {
  std::optional<SteadyTime> at;
  if (!queue_.empty()) at = due_;
  if (held_count_ > 0 && admitted_.size() >= policy_.max_per_hour) {
    // Once so many of the last hour's have aged that one more fits.
    const auto release = admitted_[admitted_.size() - policy_.max_per_hour] + hour;
    at = at ? std::min(*at, release) : release;
  }
  return at;
}

}  // namespace turnkeeper::monitor
