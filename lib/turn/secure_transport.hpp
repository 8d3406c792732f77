// A transport that begins with a (D)TLS handshake. For this folder only.
#pragma once

#include <functional>

#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

class SecureTransport : public Transport {
 public:
  struct Handlers {
    std::function<void()> on_reached;  // the server's first answer; perhaps never, when it was known to be there
    std::function<void()> on_done;
    std::function<void(ConnectFailure)> on_failed;  // without times
  };
  // Once, before start(). Ends with on_done or on_failed, or, when the server says nothing, with neither: a deadline is
  // the caller's. Both may come from within the call, and may destroy the transport.
  virtual void handshake(Handlers handlers) = 0;
  // After on_done: fills in what Connection says of TLS.
  virtual void describe(Connection& connection) const = 0;
};

// What a broken path means to connect().
[[nodiscard]] ConnectFailure to_connect_failure(const PathFailure& failure, bool in_tls);

}  // namespace turnkeeper::turn
