#include "turnkeeper/turn/transport.hpp"

#include <cerrno>
#include <system_error>

namespace turnkeeper::turn {

std::optional<PathFailure> PathFailure::of(int error) {
  const auto failure = [&](Kind kind) { return PathFailure{kind, std::generic_category().message(error)}; };
  switch (error) {
    case ECONNREFUSED:
      return failure(Kind::refused);
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EACCES:  // a route or a firewall of this machine
    case EPERM:
    case EAFNOSUPPORT:  // a machine without IPv6
      return failure(Kind::unreachable);
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ETIMEDOUT:
      return failure(Kind::closed);
    default:
      return std::nullopt;
  }
}

}  // namespace turnkeeper::turn
