// What carries one client's messages to one server. UDP today; a transport over a stream delivers the same whole
// messages after framing them itself, so that whoever uses a Transport need not know which it is.
//
// One transport lives on one executor: calls and callbacks come from there, never at the same time.
#pragma once

#include <functional>
#include <string>

#include "turnkeeper/turn/message.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

class Transport {
 public:
  struct Receiver {
    // One whole message, valid for the length of the call.
    std::function<void(Bytes)> on_message;
    // The path says that the server cannot be reached: ICMP, no route, a connection that broke. In the words of the
    // operating system. A datagram transport stays usable.
    std::function<void(const std::string& reason)> on_unreachable;
  };

  // Calls nothing any more.
  virtual ~Transport() = default;
  // Once, before the first send(). A callback may destroy the transport.
  virtual void start(Receiver receiver) = 0;
  // Sends now or drops; never waits. What went wrong comes through on_unreachable, later.
  virtual void send(Bytes message) = 0;
  [[nodiscard]] virtual SocketAddress local() const = 0;
  [[nodiscard]] virtual SocketAddress server() const = 0;
};

}  // namespace turnkeeper::turn
