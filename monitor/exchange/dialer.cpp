#include "monitor/exchange/dialer.hpp"

#include <algorithm>
#include <utility>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {

Dialer::Dialer(boost::asio::any_io_executor executor, Options options, Handlers handlers, const Clock& clock)
    : options_(std::move(options)), handlers_(std::move(handlers)), clock_(clock), resolver_(std::move(executor)) {
  for (const auto& peer : options_.peers) want(peer);
}

Result<std::shared_ptr<Dialer>> Dialer::make(boost::asio::any_io_executor executor, Options options, Handlers handlers,
                                             const Clock& clock) {
  const auto dns = options.peers_dns;
  const auto colon = dns.rfind(':');
  if (!dns.empty() && (colon == std::string::npos || colon == 0 || colon + 1 == dns.size())) {
    return fail("\"" + dns + "\" is not NAME:PORT", "give it with --exchange-peers-dns");
  }
  std::shared_ptr<Dialer> dialer(new Dialer(std::move(executor), std::move(options), std::move(handlers), clock));
  if (!dns.empty()) {
    dialer->dns_name_ = dns.substr(0, colon);
    dialer->dns_port_ = dns.substr(colon + 1);
  }
  return dialer;
}

void Dialer::want(const std::string& address) {
  const auto found =
      peers_.try_emplace(address, Peer{.next = clock_.steady(), .backoff = options_.first_backoff}).first;
  found->second.wanted = true;
}

void Dialer::on_tick() {
  const auto now = clock_.steady();
  if (!dns_name_.empty() && now >= next_resolve_) {
    next_resolve_ = now + options_.resolve_every;
    resolve();
  }
  std::erase_if(peers_, [](const auto& peer) { return !peer.second.wanted && !peer.second.is_up; });
  for (auto& [address, peer] : peers_) {
    if (!peer.wanted || peer.is_up || peer.is_us || now < peer.next) continue;
    if (!peer.instance.empty() && handlers_.is_connected(peer.instance)) continue;
    peer.is_up = true;
    if (auto begun = handlers_.dial(address); !begun) failed(address, peer, begun.error().text());
  }
}

void Dialer::answered(const std::string& address, const std::string& instance) {
  const auto found = peers_.find(address);
  if (found == peers_.end()) return;
  auto& peer = found->second;
  peer.instance = instance;
  peer.backoff = options_.first_backoff;
  peer.complained = false;
}

void Dialer::is_ourselves(const std::string& address) {
  const auto found = peers_.find(address);
  if (found != peers_.end()) found->second.is_us = true;
}

void Dialer::closed(const std::string& address, const std::string& why) {
  const auto found = peers_.find(address);
  if (found == peers_.end()) return;
  auto& peer = found->second;
  peer.is_up = false;
  const bool is_connected = !peer.instance.empty() && handlers_.is_connected(peer.instance);
  if (!peer.is_us && !is_connected) failed(address, peer, why);
}

void Dialer::failed(const std::string& address, Peer& peer, const std::string& why) {
  peer.is_up = false;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(peer.backoff * (0.5 + 0.5 * random_unit()));
  peer.next = clock_.steady() + wait;
  peer.backoff = std::min(2 * peer.backoff, options_.longest_backoff);
  if (!std::exchange(peer.complained, true)) {
    log::warn("no connection to another monitor", {{"address", address}, {"error", why}});
  }
}

void Dialer::resolve() {
  resolver_.async_resolve(dns_name_, dns_port_, [weak = weak_from_this()](const auto& error, const auto& results) {
    const auto self = weak.lock();
    if (!self || self->stopped_) return;
    if (error) {
      // The addresses known are better than none.
      if (!std::exchange(self->resolve_complained_, true)) {
        log::warn("the other monitors' name does not resolve", {{"name", self->dns_name_}, {"error", error.message()}});
      }
      return;
    }
    self->resolve_complained_ = false;
    std::set<std::string> addresses;
    for (const auto& result : results) {
      const auto address = result.endpoint().address();
      const auto host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
      addresses.insert(host + ":" + std::to_string(result.endpoint().port()));
    }
    self->resolved(addresses);
  });
}

void Dialer::resolved(const std::set<std::string>& addresses) {
  for (auto& [address, peer] : peers_) {
    const bool is_named = std::ranges::find(options_.peers, address) != options_.peers.end();
    peer.wanted = is_named || addresses.contains(address);
  }
  for (const auto& address : addresses) want(address);
}

void Dialer::stop() {
  stopped_ = true;
  resolver_.cancel();
}

}  // namespace turnkeeper::monitor
