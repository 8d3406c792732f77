// A small blocking HTTP/1.1 client: what turnctl and the tests talk to our own servers with.
//
//   auto reply = fetch("http://127.0.0.1:8480", {.target = "/v1/ice?user=alice"}, Deadline::after(real_clock(), 2s));
//   if (!reply) return fail(reply.error());               // nobody answered
//   if (reply->status != 200) return fail(reply->error()); // somebody did, and said no
//
// Where: "http://HOST:PORT" (a path after it is a prefix of every target) or "unix:/path/of.sock". No TLS, no
// redirects.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/event_stream.hpp"

namespace turnkeeper::http {

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::map<std::string, std::string> headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // at most 8 MiB

  // What a problem+json body says, else "404 Not Found".
  [[nodiscard]] Error error() const;
};

// One request on a connection of its own.
[[nodiscard]] Result<ClientResponse> fetch(const std::string& where, const ClientRequest& request, Deadline deadline);

// Reads a stream of server-sent events. Not thread-safe.
class EventSource {
 public:
  // Connects and waits for the response's header; an answer other than 200 text/event-stream is an error.
  [[nodiscard]] static Result<EventSource> open(const std::string& where, const ClientRequest& request,
                                                Deadline deadline);
  EventSource(EventSource&&) noexcept;
  EventSource& operator=(EventSource&&) noexcept;
  ~EventSource();

  // The next event; nothing when the deadline came first (call again later); an error when the stream has ended.
  [[nodiscard]] Result<std::optional<Event>> next(Deadline deadline);

 private:
  class Impl;
  explicit EventSource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace turnkeeper::http
