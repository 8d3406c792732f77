// "stun:", "stuns:" (RFC 7064), "turn:" and "turns:" (RFC 7065) URIs, as iceServers lists carry them.
//
//   auto uri = Uri::parse("turn:[2001:db8::1]:3478?transport=udp");
//   uri->to_string();
//   uri->port.value_or(uri->default_port());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::turn {

struct Uri {
  enum class Scheme { stun, stuns, turn, turns };
  enum class Transport { unspecified, udp, tcp };

  Scheme scheme = Scheme::turn;
  std::string host;                              // a name or an address; an IPv6 address without its brackets
  std::optional<std::uint16_t> port = {};        // nothing: DNS may know (RFC 5928), else default_port()
  Transport transport = Transport::unspecified;  // turn and turns only

  // The message says which part is wrong and quotes it.
  [[nodiscard]] static Result<Uri> parse(std::string_view text);
  // With the port if there is one.
  [[nodiscard]] std::string to_string() const;
  // 3478, or 5349 for stuns and turns.
  [[nodiscard]] std::uint16_t default_port() const;
  // turns with tcp is tls and with udp is dtls; stun is udp and stuns tls. Nothing when a turn or turns URI leaves it
  // open.
  [[nodiscard]] std::optional<Protocol> protocol() const;
  bool operator==(const Uri&) const = default;
};

}  // namespace turnkeeper::turn
