#include "monitor/push/push_hub.hpp"

#include <algorithm>
#include <charconv>

namespace turnkeeper::monitor {
namespace {

// Ids stay within what JavaScript counts exactly, whatever a client sends.
std::uint64_t parse_id(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return whole && id < (std::uint64_t{1} << 52) ? id : 0;
}

// A client whose credentials cannot be renewed yet, or not for long, is not told without a pause.
constexpr auto shortest_renewal = std::chrono::seconds(10);

std::uint64_t combined(std::uint64_t a, std::uint64_t b) {
  return (a ^ b) * 0x9e3779b97f4a7c15 + (a >> 29);
}

std::uint64_t hash_of(const std::string& text) {
  return std::hash<std::string>()(text);
}

std::uint64_t hash_of_list(const IceConfig& config) {
  std::uint64_t list = 0;
  for (const auto& server : config.servers) {
    for (const auto& url : server.urls) list = combined(list, url_hash(url));
    list = combined(list, server.urls.size());
  }
  return list;
}

// When it is this client's turn to have something better.
std::chrono::milliseconds delay_of(const IceRequest& request) {
  return std::chrono::milliseconds((affinity(request) >> 32) % std::chrono::milliseconds(PushHub::spread).count());
}

}  // namespace

std::string_view push_reason_name(PushReason reason) {
  switch (reason) {
    case PushReason::start:
      return "start";
    case PushReason::failover:
      return "failover";
    case PushReason::drain:
      return "drain";
    case PushReason::recovery:
      return "recovery";
    case PushReason::rotation:
      return "rotation";
    case PushReason::expiry:
      return "expiry";
    case PushReason::change:
      break;
  }
  return "change";
}

PushHub::PushHub(MakeConfig make_config, StandingOf standing_of, const Clock& clock, OnCount on_count)
    : make_config_(std::move(make_config)),
      standing_of_(std::move(standing_of)),
      clock_(clock),
      on_count_(std::move(on_count)) {}

IceResult<PushHub::Subscription> PushHub::subscribe(IceRequest request, const std::string& last_event_id, Send send) {
  auto config = make_config_(request);
  if (!config) return tl::unexpected(config.error());
  const Subscription subscription = next_++;
  Client& client = clients_[subscription];
  client.request = std::move(request);
  client.request.cluster = config->cluster;
  client.request.region = config->region;
  client.send = std::move(send);
  client.last_id = parse_id(last_event_id);
  count(client.request, 1);
  tell(client, *config, PushReason::start);
  put_due(subscription, client, client.refresh_at);
  return subscription;
}

void PushHub::unsubscribe(Subscription subscription) {
  const auto found = clients_.find(subscription);
  if (found == clients_.end()) return;
  if (subscription == looked_at_) {
    has_left_ = true;
    return;
  }
  count(found->second.request, -1);
  due_.erase({found->second.due, subscription});
  clients_.erase(found);
}

void PushHub::changed() {
  queue_.clear();
  for (const auto& [subscription, client] : clients_) {
    if (is_urgent(client)) {
      queue_.push_front(subscription);
    } else {
      queue_.push_back(subscription);
    }
  }
}

void PushHub::on_time() {
  const auto now = clock_.system();
  for (auto it = due_.begin(); it != due_.end() && it->first <= now; ++it) queue_.push_back(it->second);
}

PushHub::Progress PushHub::work(std::size_t most) {
  Progress progress;
  const auto now = clock_.system();
  for (; most > 0 && !queue_.empty(); --most) {
    const auto found = clients_.find(queue_.front());
    queue_.pop_front();
    if (found == clients_.end()) continue;
    looked_at_ = found->first;
    if (look_at(found->first, found->second, now)) ++progress.told;
    const auto subscription = std::exchange(looked_at_, 0);
    if (std::exchange(has_left_, false)) unsubscribe(subscription);
  }
  progress.more = !queue_.empty();
  return progress;
}

bool PushHub::look_at(Subscription subscription, Client& client, SystemTime now) {
  const auto config = make_config_(client.request);
  const auto reason = config ? reason_to_tell(client, *config, now) : std::nullopt;
  if (reason) tell(client, *config, *reason);
  auto next = std::min(client.refresh_at, client.move_at.value_or(SystemTime::max()));
  if (!config) next = std::max(next, now + shortest_renewal);
  put_due(subscription, client, next);
  return reason.has_value();
}

std::optional<PushReason> PushHub::reason_to_tell(Client& client, const IceConfig& config, SystemTime now) const {
  const bool other_key = hash_of(config.key) != client.key;
  if (hash_of_list(config) == client.list) {
    client.move_at.reset();
    if (other_key) return PushReason::rotation;
    if (now >= client.refresh_at) return PushReason::expiry;
    return std::nullopt;
  }
  const auto standing = [&](UrlHash url) { return standing_of_(client.request.cluster, url); };
  const auto first = client.urls.empty() ? Standing::gone : standing(client.urls.front());
  if (first == Standing::draining) return PushReason::drain;
  if (first == Standing::bad) return PushReason::failover;
  if (!std::ranges::all_of(client.urls, [&](UrlHash url) { return standing(url) == Standing::good; })) {
    return PushReason::change;
  }
  if (client.urls.empty()) return PushReason::change;
  if (other_key) return PushReason::rotation;
  if (now >= client.refresh_at) return PushReason::expiry;
  if (!client.move_at) client.move_at = now + delay_of(client.request);
  if (now < *client.move_at) return std::nullopt;
  const bool same_first = !config.servers.empty() && url_hash(config.servers[0].urls.at(0)) == client.urls.front();
  return same_first ? PushReason::change : PushReason::recovery;
}

bool PushHub::is_urgent(const Client& client) const {
  return !client.urls.empty() && standing_of_(client.request.cluster, client.urls.front()) != Standing::good;
}

void PushHub::tell(Client& client, const IceConfig& config, PushReason reason) {
  client.urls.clear();
  for (const auto& server : config.servers) {
    if (server.relay.empty()) continue;  // STUN
    for (const auto& url : server.urls) client.urls.push_back(url_hash(url));
  }
  client.urls.shrink_to_fit();
  client.list = hash_of_list(config);
  client.key = hash_of(config.key);
  client.refresh_at = std::max(config.refresh_at, clock_.system() + shortest_renewal);
  client.move_at.reset();
  client.send({.config = config, .request = client.request, .reason = reason, .id = ++client.last_id});
}

void PushHub::put_due(Subscription subscription, Client& client, SystemTime at) {
  due_.erase({client.due, subscription});
  client.due = at;
  due_.emplace(at, subscription);
}

void PushHub::count(const IceRequest& request, int change) {
  auto& clients = counts_[{request.cluster, request.region}];
  clients += static_cast<std::size_t>(change);
  if (on_count_) on_count_(request.cluster, request.region, clients);
}

}  // namespace turnkeeper::monitor
