// Which handler answers which method and path.
//
//   Router router;
//   router.get("/healthz", [](const Request&) { return Response::text("ok\n"); });
//   router.post("/relays/{name}/stop", [&](const Request& request) { return stop(request.parameters.at("name")); });
//   router.events("/v1/events", [&](const Request& request, const std::shared_ptr<EventStream>& stream) {
//     stream->send({.name = "config", .id = "1", .data = current()});
//     streams.push_back(stream);
//     return std::nullopt;  // or a Response that refuses
//   });
//
// A segment "{name}" matches any one segment that is not empty. HEAD is answered by the GET handler without the body.
// A known path with another method gets 405 and Allow, an unknown path 404.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/http/event_stream.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

// Runs on the server's io_context and must not block it.
using Handler = std::function<Response(const Request&)>;

// For what takes time: call the responder once, now or later, from any thread. Never called: the client waits until it
// gives up or the server stops.
using Responder = std::function<void(Response)>;
using DeferredHandler = std::function<void(const Request&, Responder)>;

// Nothing: the stream is accepted, and lives as long as the client stays or until close(). A response: refused with it.
using EventHandler = std::function<std::optional<Response>(const Request&, const std::shared_ptr<EventStream>&)>;

class Router {
 public:
  void get(std::string pattern, Handler handler);
  void post(std::string pattern, Handler handler);
  void get_deferred(std::string pattern, DeferredHandler handler);
  void post_deferred(std::string pattern, DeferredHandler handler);
  void events(std::string pattern, EventHandler handler);  // GET

  // What a server asks. `request.parameters` is filled in on a match. Otherwise neither handler is set and `refusal`
  // is.
  struct Match {
    const DeferredHandler* handler = nullptr;
    const EventHandler* events = nullptr;
    Response refusal;
  };
  [[nodiscard]] Match match(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    DeferredHandler handler;
    EventHandler events;
  };
  std::vector<Route> routes_;
};

}  // namespace turnkeeper::http
