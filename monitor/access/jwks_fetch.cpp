#include "monitor/access/jwks_fetch.hpp"

#include <algorithm>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/rest/send.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::seconds;

constexpr seconds longest_fetch{10};
constexpr seconds usual_wait{600};
constexpr seconds shortest_wait{60};
constexpr seconds longest_wait{3600};
constexpr seconds first_retry{5};
constexpr seconds between_wants{30};

}  // namespace

JwksFetch::JwksFetch(std::string url, std::string ca_file, std::function<void(JwkSet)> on_keys)
    : url_(std::move(url)),
      ca_file_(std::move(ca_file)),
      on_keys_(std::move(on_keys)),
      retry_after_(first_retry),
      wanted_at_(real_clock().steady() - between_wants),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

JwksFetch::~JwksFetch() {
  thread_.request_stop();
  thread_.join();
}

bool JwksFetch::want() {
  const std::lock_guard lock(mutex_);
  if (busy_ || wanted_) return true;
  const auto now = real_clock().steady();
  if (now - wanted_at_ < between_wants) return false;
  wanted_at_ = now;
  wanted_ = true;
  wake_.notify_all();
  return true;
}

void JwksFetch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    busy_ = true;
    wanted_ = false;
    lock.unlock();
    const auto wait = fetch(stop);
    lock.lock();
    busy_ = false;
    wake_.wait_for(lock, stop, wait, [&] { return wanted_; });
  }
}

seconds JwksFetch::fetch(const std::stop_token& stop) {
  const auto failed = [&](const std::string& why) {
    log::warn("no new keys for tokens, the old ones stay", {{"url", url_}, {"error", why}});
    return std::exchange(retry_after_, std::min(retry_after_ * 2, shortest_wait));
  };
  const rest::Request request{.url = Secret(url_), .headers = {}, .content_type = {}, .body = {}, .ca_file = ca_file_};
  const auto response = rest::send(request, Deadline::after(real_clock(), longest_fetch), stop);
  if (stop.stop_requested()) return seconds(0);
  if (!response) return failed(response.error().text());
  if (response->status != 200) return failed("HTTP " + std::to_string(response->status) + ' ' + response->reason);
  auto keys = JwkSet::parse(response->body, JwkSet::Secrets::refused);
  if (!keys) return failed(keys.error().text());
  log::info("fetched the keys for tokens", {{"url", url_}, {"keys", keys->size()}});
  on_keys_(std::move(*keys));
  retry_after_ = first_retry;
  return std::clamp(response->max_age.value_or(usual_wait), shortest_wait, longest_wait);
}

}  // namespace turnkeeper::monitor
