#include "monitor/push/push_hub.hpp"

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

}  // namespace

PushHub::PushHub(MakeConfig make_config, const Clock& clock) : make_config_(std::move(make_config)), clock_(clock) {}

IceResult<PushHub::Subscription> PushHub::subscribe(IceRequest request, const std::string& last_event_id, Send send) {
  auto config = make_config_(request);
  if (!config) return tl::unexpected(config.error());
  const Subscription subscription = next_++;
  Client& client = clients_[subscription];
  client.request = std::move(request);
  client.send = std::move(send);
  client.last_id = parse_id(last_event_id);
  tell(client, std::move(*config));
  return subscription;
}

void PushHub::unsubscribe(Subscription subscription) {
  clients_.erase(subscription);
}

std::size_t PushHub::update() {
  std::size_t told = 0;
  const SystemTime now = clock_.system();
  for (auto& [subscription, client] : clients_) {
    auto config = make_config_(client.request);
    if (!config || (equivalent(*config, client.config) && now < client.config.refresh_at)) continue;
    tell(client, std::move(*config));
    ++told;
  }
  return told;
}

void PushHub::tell(Client& client, IceConfig config) {
  client.config = std::move(config);
  client.send(
      {.name = "config", .id = std::to_string(++client.last_id), .data = native_json(client.config, clock_.system())});
}

}  // namespace turnkeeper::monitor
