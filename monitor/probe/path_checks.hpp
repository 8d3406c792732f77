// What only somebody with a credential can find out about a relay: whether it lets its clients into networks that they
// have no business in, and whether it still takes credentials that must no longer work. Nothing is ever sent to the
// addresses asked for: the relay is only asked for the permission.
//
//   PathTarget target{.relay = probe_target, .old_keys = {...}};
//   const PathReport report = co_await check_path(target, options);
//   for (const auto& finding : report.findings) ...
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/cause.hpp"
#include "monitor/probe/probe.hpp"
#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::monitor {

struct PathTarget {
  ProbeTarget relay;
  std::optional<turn::Credential> expired;  // its time is over: must be refused
  std::vector<AuthHints::Key> old_keys;     // credentials of signing keys that were removed: must be refused
  std::vector<AddressRange> allowed_peers;  // that clients may reach on purpose: not asked for
};

struct PathReport {
  // ssrf_open, old_key_accepted, expired_accepted: at most one of each; worst first.
  std::vector<Diagnosis> findings;
  // How many questions were asked and answered; the others had no clear answer and count neither way.
  int asked = 0;
  int answered = 0;
  // Why nothing could be asked: the relay gave no allocation for it. Empty when it did.
  std::string not_asked;
};

// The addresses that no relay may let its clients send to: special-purpose IPv4 and IPv6, IPv4 in IPv6, and where
// clouds keep a machine's own credentials.
[[nodiscard]] const std::vector<turn::SocketAddress>& forbidden_peers();

// Uses the options' deadline, stop, rto and clock. Runs as probe() does. The relay's own relayed address is left out of
// the forbidden ones: clients of one relay talk to each other through it.
[[nodiscard]] boost::asio::awaitable<PathReport> check_path(PathTarget target, ProbeOptions options);

}  // namespace turnkeeper::monitor
