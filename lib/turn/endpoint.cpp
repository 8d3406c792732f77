#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::turn {

std::string_view protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp:
      return "udp";
    case Protocol::tcp:
      return "tcp";
    case Protocol::tls:
      return "tls";
    case Protocol::dtls:
      return "dtls";
  }
  return "";
}

std::string Endpoint::to_string() const {
  return std::string(protocol_name(protocol)) + " " + address.to_string();
}

}  // namespace turnkeeper::turn
