#include "turnkeeper/http/router.hpp"

#include <set>

namespace turnkeeper::http {
namespace {

// "/a/b" -> {"a", "b"}; "/" -> {""}.
std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> segments;
  std::size_t start = 1;
  while (start <= path.size()) {
    const auto end = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return segments;
}

bool is_parameter(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::optional<std::map<std::string, std::string>> match_segments(const std::vector<std::string>& pattern,
                                                                 const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  std::map<std::string, std::string> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_parameter(pattern[i])) {
      if (path[i].empty()) return std::nullopt;
      parameters[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

DeferredHandler at_once(Handler handler) {
  return
      [handler = std::move(handler)](const Request& request, const Responder& respond) { respond(handler(request)); };
}

}  // namespace

void Router::get(std::string pattern, Handler handler) {
  get_deferred(std::move(pattern), at_once(std::move(handler)));
}

void Router::post(std::string pattern, Handler handler) {
  post_deferred(std::move(pattern), at_once(std::move(handler)));
}

void Router::get_deferred(std::string pattern, DeferredHandler handler) {
  routes_.push_back({"GET", split(pattern), std::move(handler), {}});
}

void Router::post_deferred(std::string pattern, DeferredHandler handler) {
  routes_.push_back({"POST", split(pattern), std::move(handler), {}});
}

void Router::events(std::string pattern, EventHandler handler) {
  routes_.push_back({"GET", split(pattern), {}, std::move(handler)});
}

Router::Match Router::match(Request& request) const {
  const std::vector<std::string> path = split(request.path);
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    auto parameters = match_segments(route.segments, path);
    if (!parameters) continue;
    if (route.method == request.method || (request.method == "HEAD" && route.method == "GET" && route.handler)) {
      request.parameters = std::move(*parameters);
      if (route.events) return {.handler = nullptr, .events = &route.events, .refusal = {}};
      return {.handler = &route.handler, .events = nullptr, .refusal = {}};
    }
    allowed.insert(route.method);
    if (route.method == "GET" && route.handler) allowed.insert("HEAD");
  }
  Match none;
  if (allowed.empty()) {
    none.refusal = Response::problem(404, {"there is nothing at " + request.path, ""});
    return none;
  }
  std::string list;
  for (const auto& method : allowed) list += (list.empty() ? "" : ", ") + method;
  none.refusal = Response::problem(405, {request.path + " does not take " + request.method, "use " + list});
  none.refusal.headers.emplace_back("Allow", list);
  return none;
}

}  // namespace turnkeeper::http
