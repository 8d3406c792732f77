// "stun:", "stuns:" (RFC 7064), "turn:" and "turns:" (RFC 7065) URIs, as iceServers lists carry them.
//
//   auto uri = Uri::parse("turn:[2001:db8::1]:3478?transport=udp");
//   uri->to_string();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::turn {

struct Uri {
  enum class Scheme { stun, stuns, turn, turns };
  enum class Transport { unspecified, udp, tcp };

  Scheme scheme = Scheme::turn;
  std::string host;                              // a name or an address; an IPv6 address without its brackets
  std::uint16_t port = 3478;                     // left out in the text: 3478, or 5349 for stuns and turns
  Transport transport = Transport::unspecified;  // turn and turns only

  // The message says which part is wrong and quotes it.
  [[nodiscard]] static Result<Uri> parse(std::string_view text);
  // Always with the port.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Uri&) const = default;
};

}  // namespace turnkeeper::turn
