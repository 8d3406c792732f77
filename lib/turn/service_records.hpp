// What RFC 5928 makes of a name's NAPTR and SRV records. Pure. For this folder only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::turn {

struct NaptrRecord {
  std::uint16_t order = 0;
  std::uint16_t preference = 0;
  std::string flags;
  std::string service;  // "RELAY:turn.udp:turn.tcp"
  std::string regexp;
  std::string replacement;
};

// Where a NAPTR record leads, for those of its protocols that are wanted.
struct ServicePointer {
  enum class To { naptr, srv, addresses };
  To to{};
  std::string name;
  std::vector<Protocol> protocols;  // never empty
  bool operator==(const ServicePointer&) const = default;
};

// The records of service RELAY that lead to a wanted protocol, best first.
[[nodiscard]] std::vector<ServicePointer> follow(std::vector<NaptrRecord> records, const std::vector<Protocol>& wanted);

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;
  bool operator==(const SrvRecord&) const = default;
};

// In the order in which to try them: by priority, and drawn by weight among equals (RFC 2782). A lone "." means that
// the service is not offered, and gives nothing. `draw`: a number in [0, 1).
[[nodiscard]] std::vector<SrvRecord> in_order(std::vector<SrvRecord> records, const std::function<double()>& draw);

// "_turns._tcp.example.org"
[[nodiscard]] std::string srv_name(const std::string& scheme, Protocol protocol, const std::string& name);

}  // namespace turnkeeper::turn
