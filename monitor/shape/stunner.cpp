#include "monitor/shape/stunner.hpp"

#include "monitor/ice/json_text.hpp"
#include "monitor/shape/native.hpp"
#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

// By hand, as applications ask for it at each call.
std::string body(const IceConfig& config, const std::string& policy) {
  std::string json;
  json.reserve(768);
  json += R"({"iceServers":[)";
  for (const auto& server : config.servers) {
    if (&server != &config.servers.front()) json += ',';
    json += '{';
    if (!server.username.empty()) {
      json += R"("username":)";
      add_json(json, server.username);
      json += R"(,"credential":)";
      add_json(json, server.credential.reveal());
      json += ',';
    }
    json += R"("urls":[)";
    for (const auto& url : server.urls) {
      if (&url != &server.urls.front()) json += ',';
      add_json(json, url);
    }
    json += "]}";
  }
  json += R"(],"iceTransportPolicy":)";
  add_json(json, policy);
  json += "}\n";
  return json;
}

http::Response refuse(const Trouble& trouble) {
  auto response =
      http::Response::text("could not generate ICE auth token: " + trouble.error.text() + "\n", trouble.status);
  if (trouble.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (trouble.retry_after) response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
  return response;
}

tl::expected<Ask, Trouble> read(const http::Request& request) {
  if (const auto service = request.field("service"); service && *service != "turn") {
    return tl::unexpected(Trouble{.error = {R"("service" must be "turn")", ""}});
  }
  auto wanted = native_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  wanted->user = request.field("username").value_or("");
  const std::string policy = request.field("iceTransportPolicy").value_or("all");
  if (policy != "all" && policy != "public" && policy != "relay") {
    return tl::unexpected(Trouble{.error = {R"("iceTransportPolicy" must be "all", "public" or "relay")", ""}});
  }
  wanted->relay_only = wanted->relay_only || policy == "relay";
  const auto space = request.field("namespace").value_or("");
  const auto gateway = request.field("gateway").value_or("");
  return Ask{.request = std::move(*wanted),
             .cluster_hint = space.empty() || gateway.empty() ? gateway : space + "/" + gateway,
             .region_hint = request.field("listener").value_or(""),
             .answer = [policy](const IceConfig& config, SystemTime) {
               if (config.servers.empty()) return refuse({.status = 404, .error = {"no valid listener found", ""}});
               return fresh_json(body(config, policy));
             }};
}

}  // namespace

Shape stunner_shape() {
  return {.api = "stunner",
          .method = "GET",
          .paths = {"/ice"},
          .key =
              [](const http::Request& request) {
                auto key = query_key(request, "key");
                return key.empty() ? native_key(request) : key;
              },
          .read = read,
          .refuse = refuse};
}

}  // namespace turnkeeper::monitor
