// One client's stream of server-sent events (HTML Living Standard, section 9.2), seen from the server.
#pragma once

#include <functional>
#include <string>

namespace turnkeeper::http {

struct Event {
  std::string name;  // the `event:` field; empty: "message"
  std::string id;    // the `id:` field, which the client sends back as Last-Event-ID; empty: none
  std::string data;  // may have several lines
  bool operator==(const Event&) const = default;
};

// Bounded: besides the event being written it holds one more, the newest; a slow reader misses those in between.
// Heartbeat comments go out by themselves. Thread-safe, except on_close.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // Nothing happens on a closed stream.
  virtual void send(Event event) = 0;
  // After what was sent last has been written.
  virtual void close() = 0;
  // Called once, on the server's io_context, when the client has gone, was too slow, or the stream or the server was
  // closed. Set it inside the handler that got the stream.
  virtual void on_close(std::function<void()> callback) = 0;
};

}  // namespace turnkeeper::http
