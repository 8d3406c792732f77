#include "turnkeeper/http/cors.hpp"

#include <algorithm>

namespace turnkeeper::http {
namespace {

constexpr const char* allowed_headers = "Authorization, Content-Type, Last-Event-ID, X-API-Key";
constexpr const char* exposed_headers = "Retry-After";
constexpr const char* remembered_seconds = "600";

// Scheme, host in lower case, and a port that is not the scheme's own: what a browser sends.
bool is_origin(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return false;
  const auto host = text.substr(scheme + 3);
  const bool usual_port = (text.starts_with("https://") && host.ends_with(":443")) ||
                          (text.starts_with("http://") && host.ends_with(":80"));
  return !host.empty() && host.front() != ':' && !usual_port && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("+-.:[]/_").find(c) != std::string_view::npos;
  }) && host.find('/') == std::string_view::npos;
}

}  // namespace

Result<Cors> Cors::parse(std::vector<std::string> origins) {
  Cors cors;
  cors.any_ = std::ranges::find(origins, "*") != origins.end();
  if (cors.any_ && origins.size() > 1)
    return fail("the origin * goes with no other one", "it means all of them already");
  for (const auto& origin : origins) {
    if (!cors.any_ && !is_origin(origin)) {
      return fail("'" + origin + "' is no origin of a page",
                  "write what the browser sends: scheme and host in lower case, a port unless it is the usual one, and "
                  "nothing behind it, such as https://app.example.org");
    }
  }
  cors.origins_ = std::move(origins);
  return cors;
}

bool Cors::allows(std::string_view origin) const {
  return !origin.empty() && (any_ || std::ranges::find(origins_, origin) != origins_.end());
}

std::vector<std::pair<std::string, std::string>> Cors::headers(const Request& request) const {
  const std::string& origin = request.header("origin");
  std::vector<std::pair<std::string, std::string>> headers;
  if (allows(origin)) {
    headers.emplace_back("Access-Control-Allow-Origin", any_ ? "*" : origin);
    headers.emplace_back("Access-Control-Expose-Headers", exposed_headers);
  }
  if (!any_) headers.emplace_back("Vary", "Origin");
  return headers;
}

std::optional<Response> Cors::preflight(const Request& request, const std::string& methods) const {
  const std::string& origin = request.header("origin");
  if (request.method != "OPTIONS" || origin.empty() || request.header("access-control-request-method").empty()) {
    return std::nullopt;
  }
  if (!allows(origin)) {
    auto refused = Response::problem(
        403, {"pages of " + origin + " may not ask here", "whoever runs this server can allow that origin"});
    refused.headers.emplace_back("Vary", "Origin");
    return refused;
  }
  auto response = Response::text("", 204);
  response.headers = headers(request);
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Allow-Headers", allowed_headers);
  response.headers.emplace_back("Access-Control-Max-Age", remembered_seconds);
  return response;
}

}  // namespace turnkeeper::http
