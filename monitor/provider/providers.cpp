#include "monitor/provider/providers.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

std::string host_label(const std::string& host) {
  std::string label = host;
  for (char& c : label) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain) c = '-';
  }
  return label;
}

std::vector<Relay> relays_of(const ProviderConfig& config, const Provided& provided) {
  std::vector<Relay> relays;
  for (const auto& server : provided.servers) {
    Relay& relay = relays.emplace_back(Relay{.name = config.name, .uris = server.uris});
    if (provided.servers.size() > 1) relay.name += '-' + host_label(server.uris.front().host);
    relay.credential = ProvidedCredential{config.name, server.username, server.password, provided.expires};
  }
  return relays;
}

}  // namespace

// One API. Its answer is the executor's; the rest is its thread's.
class Providers::Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(ProviderConfig config, const Clock& clock, Pace pace)
      : config_(std::move(config)), clock_(clock), pace_(pace) {}

  void start(const boost::asio::any_io_executor& executor, std::weak_ptr<std::function<void()>> on_change) {
    thread_ = std::jthread([this, executor, on_change = std::move(on_change)](const std::stop_token& stop) {
      run(executor, on_change, stop);
      ended_ = true;
    });
  }
  void stop() { thread_.request_stop(); }
  [[nodiscard]] bool ended() const { return ended_; }

  std::optional<Provided> provided;
  bool asked = false;

 private:
  void run(const boost::asio::any_io_executor& executor, const std::weak_ptr<std::function<void()>>& on_change,
           const std::stop_token& stop) {
    std::chrono::milliseconds backoff = pace_.first_backoff;
    while (!stop.stop_requested()) {
      auto answer = ask(stop);
      if (stop.stop_requested()) return;
      std::chrono::milliseconds pause = pace_.shortest_life;
      if (answer) {
        const auto life = std::chrono::duration_cast<std::chrono::milliseconds>(answer->expires - clock_.system());
        pause = std::max(pause, life * 3 / 4);
        backoff = pace_.first_backoff;
      } else {
        log::warn("credential API", {{"provider", config_.name}, {"error", answer.error().text()}});
        pause = std::max(retry_after_, jittered(backoff));
        backoff = std::min(backoff * 2, pace_.longest_backoff);
      }
      std::optional<Provided> news;
      if (answer) news = std::move(*answer);
      boost::asio::post(executor, [weak = weak_from_this(), on_change, news = std::move(news)]() mutable {
        const auto self = weak.lock();
        const auto tell = on_change.lock();
        if (!self || !tell) return;
        self->asked = true;
        if (!news) return (*tell)();
        self->provided = std::move(news);
        (*tell)();
      });
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, pause, [] { return false; });
    }
  }

  Result<Provided> ask(const std::stop_token& stop) {
    retry_after_ = std::chrono::milliseconds(0);
    const auto response = rest::send(provider_request(config_), Deadline::after(clock_, pace_.timeout), stop);
    if (!response) {
      return fail("the API does not answer: " + response.error().message, "check its URL and the way out to it");
    }
    if (response->retry_after) retry_after_ = *response->retry_after;
    return read_answer(config_, *response, clock_.system());
  }

  static std::chrono::milliseconds jittered(std::chrono::milliseconds backoff) {
    thread_local std::minstd_rand random(std::random_device{}());
    return backoff / 2 + std::chrono::milliseconds(random() % static_cast<unsigned>(backoff.count() / 2 + 1));
  }

  const ProviderConfig config_;
  const Clock& clock_;
  const Pace pace_;
  std::atomic<bool> ended_ = false;
  std::chrono::milliseconds retry_after_{0};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

Providers::Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change,
                     Pace pace)
    : executor_(std::move(executor)),
      clock_(clock),
      pace_(pace),
      on_change_(std::make_shared<std::function<void()>>(std::move(on_change))) {}

Providers::Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change)
    : Providers(std::move(executor), clock, std::move(on_change), Pace{}) {}

Providers::~Providers() {
  for (auto& entry : entries_) entry.asker->stop();
}

void Providers::set(const std::vector<ProvidedServer>& servers) {
  std::vector<Entry> next;
  for (const auto& server : servers) {
    const auto same = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.asker && entry.server.provider == server.provider; });
    if (same != entries_.end()) {
      next.push_back({server, std::move(same->asker)});
      continue;
    }
    next.push_back({server, std::make_shared<Asker>(server.provider, clock_, pace_)});
    next.back().asker->start(executor_, on_change_);
  }
  std::swap(entries_, next);
  std::erase_if(leaving_, [](const auto& asker) { return asker->ended(); });
  for (auto& gone : next) {
    if (!gone.asker) continue;
    gone.asker->stop();
    leaving_.push_back(std::move(gone.asker));
  }
}

Fleet Providers::complete(Fleet fleet) const {
  if (fleet.clusters.empty()) return fleet;
  for (const auto& [server, asker] : entries_) {
    if (!asker->provided) continue;
    auto& regions = fleet.clusters.front().regions;
    auto region = std::ranges::find(regions, server.region, &Region::name);
    if (region == regions.end()) region = regions.insert(region, Region{.name = server.region});
    for (auto& relay : relays_of(server.provider, *asker->provided)) region->relays.push_back(std::move(relay));
  }
  return fleet;
}

bool Providers::asked_all() const {
  return std::ranges::all_of(entries_, [](const Entry& entry) { return entry.asker->asked; });
}

}  // namespace turnkeeper::monitor
