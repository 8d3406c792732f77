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
// A segment "{name}" matches any one segment that is not empty; a pattern without one goes before those with. HEAD is
// answered by the GET handler without the body. A known path with another method gets 405 and Allow, an unknown path
// 404.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "turnkeeper/http/cors.hpp"
#include "turnkeeper/http/event_stream.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

// Runs on the server's io_context and must not block it.
using Handler = std::function<Response(const Request&)>;

// For what takes time: call the responder once, now or later, from any thread. Never called: the client waits until it
// gives up or the server stops. The request lives no longer than the call.
using Responder = std::function<void(Response)>;
using DeferredHandler = std::function<void(const Request&, Responder)>;

// Nothing: the stream is accepted, and lives as long as the client stays or until close(). A response: refused with it.
using EventHandler = std::function<std::optional<Response>(const Request&, const std::shared_ptr<EventStream>&)>;

class Router {
 public:
  void get(std::string pattern, Handler handler);
  void post(std::string pattern, Handler handler);
  void put(std::string pattern, Handler handler);
  void del(std::string pattern, Handler handler);
  void get_deferred(std::string pattern, DeferredHandler handler);
  void post_deferred(std::string pattern, DeferredHandler handler);
  void events(std::string pattern, EventHandler handler);  // GET

  // Pages of these origins may call the routes added so far.
  void allow_origins(Cors cors);
  // Asked before every request; a response is the answer to it.
  using Guard = std::function<std::optional<Response>(const Request&)>;
  void guard(Guard guard) { guard_ = std::move(guard); }

  // What a server asks: exactly one of them is set. `request.parameters` is filled in on a match.
  struct Match {
    const Handler* handler = nullptr;
    const DeferredHandler* deferred = nullptr;
    const EventHandler* events = nullptr;
    std::optional<Response> refusal;
    // For the answer, whoever gives it; an event stream's too.
    std::vector<std::pair<std::string, std::string>> headers;
  };
  [[nodiscard]] Match match(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  // empty: the pattern is a path, found in literal_
    Handler handler;
    DeferredHandler deferred;
    EventHandler events;
    bool cross_origin = false;
  };
  void add(const std::string& pattern, Route route);
  bool accept(const Route& route, const Request& request, Match& match) const;
  Response refusal(const Request& request) const;

  std::optional<Cors> cors_;
  Guard guard_;
  std::vector<Route> routes_;
  std::unordered_map<std::string, std::vector<std::size_t>> literal_;  // path -> routes_
};

}  // namespace turnkeeper::http
