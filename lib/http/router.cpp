#include "turnkeeper/http/router.hpp"

#include <algorithm>
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

}  // namespace

void Router::add(const std::string& pattern, Route route) {
  auto segments = split(pattern);
  if (std::ranges::any_of(segments, is_parameter)) {
    route.segments = std::move(segments);
  } else {
    literal_[pattern].push_back(routes_.size());
  }
  routes_.push_back(std::move(route));
}

void Router::get(std::string pattern, Handler handler) {
  add(pattern, {.method = "GET", .handler = std::move(handler)});
}

void Router::post(std::string pattern, Handler handler) {
  add(pattern, {.method = "POST", .handler = std::move(handler)});
}

void Router::put(std::string pattern, Handler handler) {
  add(pattern, {.method = "PUT", .handler = std::move(handler)});
}

void Router::del(std::string pattern, Handler handler) {
  add(pattern, {.method = "DELETE", .handler = std::move(handler)});
}

void Router::get_deferred(std::string pattern, DeferredHandler handler) {
  add(pattern, {.method = "GET", .deferred = std::move(handler)});
}

void Router::post_deferred(std::string pattern, DeferredHandler handler) {
  add(pattern, {.method = "POST", .deferred = std::move(handler)});
}

void Router::events(std::string pattern, EventHandler handler) {
  add(pattern, {.method = "GET", .events = std::move(handler)});
}

bool Router::accept(const Route& route, const Request& request, Match& match) const {
  if (route.method != request.method && !(request.method == "HEAD" && route.method == "GET" && !route.events)) {
    return false;
  }
  if (route.handler) match.handler = &route.handler;
  if (route.deferred) match.deferred = &route.deferred;
  if (route.events) match.events = &route.events;
  if (route.cross_origin) match.headers = cors_->headers(request);
  return true;
}

void Router::allow_origins(Cors cors) {
  cors_ = std::move(cors);
  for (auto& route : routes_) route.cross_origin = true;
}

Router::Match Router::match(Request& request) const {
  Match match;
  if (guard_) {
    match.refusal = guard_(request);
    if (match.refusal) return match;
  }
  if (const auto found = literal_.find(request.path); found != literal_.end()) {
    for (const std::size_t index : found->second) {
      if (accept(routes_[index], request, match)) return match;
    }
  }
  const auto path = split(request.path);
  for (const Route& route : routes_) {
    if (route.segments.empty()) continue;
    auto parameters = match_segments(route.segments, path);
    if (!parameters || !accept(route, request, match)) continue;
    request.parameters = std::move(*parameters);
    return match;
  }
  match.refusal = refusal(request);
  return match;
}

Response Router::refusal(const Request& request) const {
  std::set<std::string> allowed;
  bool cross_origin = false;
  const auto allow = [&](const Route& route) {
    cross_origin = cross_origin || route.cross_origin;
    allowed.insert(route.method);
    if (route.method == "GET" && !route.events) allowed.insert("HEAD");
  };
  if (const auto found = literal_.find(request.path); found != literal_.end()) {
    for (const std::size_t index : found->second) allow(routes_[index]);
  }
  const auto path = split(request.path);
  for (const Route& route : routes_) {
    if (!route.segments.empty() && match_segments(route.segments, path)) allow(route);
  }
  if (allowed.empty()) return Response::problem(404, {"there is nothing at " + request.path, ""});
  std::string list;
  for (const auto& method : allowed) list += (list.empty() ? "" : ", ") + method;
  if (cross_origin) {
    if (auto preflight = cors_->preflight(request, list)) return std::move(*preflight);
  }
  auto response = Response::problem(405, {request.path + " does not take " + request.method, "use " + list});
  response.headers.emplace_back("Allow", list);
  return response;
}

}  // namespace turnkeeper::http
