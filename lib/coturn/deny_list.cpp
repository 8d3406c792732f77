#include "turnkeeper/coturn/deny_list.hpp"

#include <algorithm>
#include <array>

namespace turnkeeper::coturn {
namespace {

constexpr std::array ranges{
    SpecialRange{"0.0.0.0/8", "\"This network\"", "RFC 791"},
    SpecialRange{"10.0.0.0/8", "Private-Use", "RFC 1918"},
    SpecialRange{"100.64.0.0/10", "Shared Address Space", "RFC 6598"},
    SpecialRange{"127.0.0.0/8", "Loopback", "RFC 1122"},
    SpecialRange{"169.254.0.0/16", "Link Local", "RFC 3927"},
    SpecialRange{"172.16.0.0/12", "Private-Use", "RFC 1918"},
    SpecialRange{"192.0.0.0/24", "IETF Protocol Assignments", "RFC 6890"},
    SpecialRange{"192.0.2.0/24", "Documentation (TEST-NET-1)", "RFC 5737"},
    SpecialRange{"192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", "RFC 7526"},
    SpecialRange{"192.168.0.0/16", "Private-Use", "RFC 1918"},
    SpecialRange{"198.18.0.0/15", "Benchmarking", "RFC 2544"},
    SpecialRange{"198.51.100.0/24", "Documentation (TEST-NET-2)", "RFC 5737"},
    SpecialRange{"203.0.113.0/24", "Documentation (TEST-NET-3)", "RFC 5737"},
    SpecialRange{"224.0.0.0/4", "Multicast", "RFC 5771"},
    SpecialRange{"240.0.0.0/4", "Reserved", "RFC 1112"},  // the limited broadcast address (RFC 8190) is in it
    SpecialRange{"::/96", "IPv4-compatible, Unspecified and Loopback", "RFC 4291"},
    SpecialRange{"::ffff:0:0/96", "IPv4-mapped", "RFC 4291"},
    SpecialRange{"64:ff9b::/96", "IPv4-IPv6 Translation", "RFC 6052"},
    SpecialRange{"64:ff9b:1::/48", "IPv4-IPv6 Translation", "RFC 8215"},
    SpecialRange{"100::/64", "Discard-Only", "RFC 6666"},
    SpecialRange{"100:0:0:1::/64", "Dummy IPv6 Prefix", "RFC 9780"},
    SpecialRange{"2001::/23", "IETF Protocol Assignments (Teredo is in it)", "RFC 2928"},
    SpecialRange{"2001:db8::/32", "Documentation", "RFC 3849"},
    SpecialRange{"2002::/16", "6to4", "RFC 3056"},
    SpecialRange{"3fff::/20", "Documentation", "RFC 9637"},
    SpecialRange{"5f00::/16", "Segment Routing (SRv6) SIDs", "RFC 9602"},
    SpecialRange{"fc00::/7", "Unique-Local", "RFC 4193"},
    SpecialRange{"fe80::/10", "Link-Local Unicast", "RFC 4291"},
    SpecialRange{"fec0::/10", "Site-Local Unicast (deprecated)", "RFC 3879"},
    SpecialRange{"ff00::/8", "Multicast", "RFC 4291"},
};

bool any_contains(const std::vector<AddressRange>& list, const IpAddress& address) {
  return std::any_of(list.begin(), list.end(), [&](const AddressRange& range) { return range.contains(address); });
}

Result<> append(const std::vector<std::string>& entries, const char* what, std::vector<AddressRange>& list) {
  for (const std::string& entry : entries) {
    auto range = parse_range(entry);
    if (!range) return fail(range.error().within(what));
    list.push_back(*range);
  }
  return {};
}

}  // namespace

std::span<const SpecialRange> special_ranges() {
  return ranges;
}

bool PeerPolicy::denies(const IpAddress& peer) const {
  return any_contains(denied, peer) && !any_contains(allowed, peer);
}

Result<PeerPolicy> peer_policy(const std::vector<std::string>& deny, const std::vector<std::string>& allow,
                               const std::vector<IpAddress>& own) {
  PeerPolicy policy;
  for (const SpecialRange& special : ranges) policy.denied.push_back(*parse_range(special.cidr));
  if (auto done = append(deny, "peers.deny", policy.denied); !done) return fail(done.error());
  if (auto done = append(allow, "peers.allow", policy.allowed); !done) return fail(done.error());
  for (const IpAddress& address : own) {
    if (policy.denies(address)) policy.allowed.push_back({address, address});
  }
  return policy;
}

}  // namespace turnkeeper::coturn
