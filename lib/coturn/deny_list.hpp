// Where a relay must not send its clients' packets: everything that IANA's special-purpose address registries do not
// mark as globally reachable, multicast, and every IPv6 form that carries an IPv4 address in it. Without it a TURN
// server is a door into the network it stands in (169.254.169.254 gives a cloud machine's own credentials to whoever
// asks).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::coturn {

struct SpecialRange {
  const char* cidr;
  const char* name;  // the registry's
  const char* rfc;
};

[[nodiscard]] std::span<const SpecialRange> special_ranges();

struct PeerPolicy {
  std::vector<AddressRange> denied;
  std::vector<AddressRange> allowed;  // wins over denied
  [[nodiscard]] bool denies(const IpAddress& peer) const;
};

// The special ranges with a user's own laid over them; each entry as parse_range() reads it. Every address of `own`
// that would be denied is allowed: a relay must be able to reach its own relayed addresses, or two of its clients could
// not talk to each other through it, nor could a probe hear itself.
[[nodiscard]] Result<PeerPolicy> peer_policy(const std::vector<std::string>& deny,
                                             const std::vector<std::string>& allow, const std::vector<IpAddress>& own);

}  // namespace turnkeeper::coturn
