// Where a relay is: its own addresses, and addresses.json.
//
// addresses.json: where clients reach the relays of a region, as far as relays do not know it themselves, and the
// bandwidth that new sessions get for the time being.
//
//   {"nodes": {"node-a": ["203.0.113.7", "2001:db8::7"]},
//    "relays": {"calls-eu-0": ["198.51.100.4"]},
//    "bitsPerSecondPerSession": 1000000}
//
// Every field may be left out. A relay's own entry wins over its node's. All pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/coturn/config.hpp"

namespace turnkeeper::agent {

// From --address, "10.0.0.7,fd00::7": those of the families that are asked for, in that order; all when none is.
// Errors: one is no literal; a family is missing.
[[nodiscard]] Result<std::vector<std::string>> own_addresses(const std::string& list,
                                                             const std::vector<api::IpFamily>& families);

struct PublicAddresses {
  std::vector<std::string> addresses;  // of this relay, literals; empty: it has no entry (yet)
  std::optional<std::uint64_t> bits_per_second_per_session;
};

// Strict in its own fields; what other relays and nodes have is not looked at.
[[nodiscard]] Result<PublicAddresses> parse_public_addresses(std::string_view json, const std::string& pod,
                                                             const std::string& node);

// Gives each of the relay's own addresses the public one of its family. A family without a public address is left out:
// no client could reach what is relayed there. An error when nothing is left.
[[nodiscard]] Result<std::vector<coturn::OwnAddress>> behind(const std::vector<std::string>& own,
                                                             const std::vector<std::string>& outside);

}  // namespace turnkeeper::agent
