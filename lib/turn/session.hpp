// A Client on a Transport with a timer: the TURN client as the monitor uses it.
//
//   Session session(executor, clock, std::move(transport), config, {.on_event = ..., .on_data = ...,
//                                                                   .on_unreachable = ...});
//   session.allocate();           // -> on_event(Allocated or Failure)
//   session.bind_channel(relayed);  // -> on_event(ChannelBound or Failure)
//   session.send(channel, payload);
//   session.release();            // -> on_event(Released or Failure)
//
// Everything happens on the transport's executor, which must not run on several threads at once. Callbacks never come
// from within a call, and none comes after destruction; a callback may destroy the session. Destruction without
// release() sends one unconfirmed Refresh(0) if the server may hold an allocation.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

class Session {
 public:
  struct Handlers {
    std::function<void(const Event&)> on_event;
    std::function<void(std::uint16_t channel, Bytes payload)> on_data;
    std::function<void(const PathFailure&)> on_unreachable;  // see Transport::Receiver
  };

  // ClientConfig::reliable is taken from the transport. The clock must outlive the session; its steady time must be the
  // machine's, which drives the timer.
  Session(const boost::asio::any_io_executor& executor, const Clock& clock, std::unique_ptr<Transport> transport,
          ClientConfig config, Handlers handlers);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // As in Client.
  void binding();
  void allocate();
  std::uint16_t bind_channel(const SocketAddress& peer);
  void refresh();
  void release();
  // A payload to a channel's peer. No acknowledgement, no memory; at most 1500 bytes, the rest is dropped.
  void send(std::uint16_t channel, Bytes payload);

  [[nodiscard]] SocketAddress local() const;
  [[nodiscard]] SocketAddress server() const;
  // As in Client.
  [[nodiscard]] const Client& client() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace turnkeeper::turn
