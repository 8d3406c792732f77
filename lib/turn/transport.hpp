// What carries one client's messages to one server: over UDP or DTLS as datagrams; over TCP or TLS framed by the
// transport itself (RFC 8656 section 12.5), padding included, so that whoever uses a Transport need not know which it
// is.
//
// One transport lives on one executor: calls and callbacks come from there, never at the same time.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "turnkeeper/turn/message.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

// What the path says about the server.
struct PathFailure {
  enum class Kind {
    refused,      // nothing listens: ICMP port unreachable
    unreachable,  // no route, ICMP host or net unreachable, forbidden by this machine
    closed,       // a connection ended or broke
  };
  Kind kind{};
  std::string reason;  // in the words of the operating system

  // Of an errno value. Nothing when it is about this process or one datagram, not about the path.
  [[nodiscard]] static std::optional<PathFailure> of(int error);
  bool operator==(const PathFailure&) const = default;
};

class Transport {
 public:
  struct Receiver {
    // One whole message, valid for the length of the call.
    std::function<void(Bytes)> on_message;
    // The server cannot be reached (any more). A datagram transport stays usable; a reliable one is over, and drops
    // what it is sent from now on.
    std::function<void(const PathFailure&)> on_unreachable;
  };

  // Calls nothing any more.
  virtual ~Transport() = default;
  // Once, before the first send(). A callback may destroy the transport.
  virtual void start(Receiver receiver) = 0;
  // Sends now or drops; never waits. What went wrong comes through on_unreachable, later. A reliable transport whose
  // server does not read first drops ChannelData, and ends when STUN messages pile up too.
  virtual void send(Bytes message) = 0;
  // Delivers in order or breaks: nothing is to be sent twice (RFC 8489 section 6.2.2).
  [[nodiscard]] virtual bool reliable() const { return false; }
  [[nodiscard]] virtual SocketAddress local() const = 0;
  [[nodiscard]] virtual SocketAddress server() const = 0;
};

}  // namespace turnkeeper::turn
