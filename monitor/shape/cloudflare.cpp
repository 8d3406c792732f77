#include "monitor/shape/cloudflare.hpp"

#include <nlohmann/json.hpp>

#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds longest{172'800};
constexpr int authentication_error = 10000;
constexpr int other_error = 1000;  // the least that the envelope knows

http::Response refuse(const Trouble& trouble) {
  const bool stranger = trouble.status == 401 || trouble.status == 403;
  Json error{{"code", stranger ? authentication_error : other_error},
             {"message", stranger ? "Authentication error" : trouble.error.text()}};
  auto response = fresh_json(Json{{"success", false},
                                  {"errors", Json::array({std::move(error)})},
                                  {"messages", Json::array()},
                                  {"result", nullptr}}
                                 .dump(-1, ' ', false, Json::error_handler_t::replace),
                             trouble.status);
  if (trouble.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (trouble.retry_after) response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
  return response;
}

http::Response created(Json servers) {
  return fresh_json(Json{{"iceServers", std::move(servers)}}.dump(-1, ' ', false, Json::error_handler_t::replace), 201);
}

http::Response array(const IceConfig& config, SystemTime) {
  Json stun = Json::array();
  Json turn = Json::array();
  for (const auto& server : config.servers) {
    if (server.username.empty()) {
      stun.push_back({{"urls", server.urls}});
    } else {
      turn.push_back(
          {{"urls", server.urls}, {"username", server.username}, {"credential", server.credential.reveal()}});
    }
  }
  stun.insert(stun.end(), turn.begin(), turn.end());
  return created(std::move(stun));
}

http::Response single(const IceConfig& config, SystemTime) {
  const auto best = best_credential(config);
  std::vector<std::string> urls;
  for (const auto& server : config.servers) {
    if (server.username.empty()) urls.insert(urls.end(), server.urls.begin(), server.urls.end());
  }
  urls.insert(urls.end(), best.urls.begin(), best.urls.end());
  Json servers{{"urls", std::move(urls)}};
  if (!best.urls.empty()) {
    servers["username"] = best.username;
    servers["credential"] = best.password.reveal();
  }
  return created(std::move(servers));
}

template <http::Response (*answer)(const IceConfig&, SystemTime)>
tl::expected<Ask, Trouble> read(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto body = read_json(request.body);
  if (!body) return tl::unexpected(body.error());
  const auto ttl = seconds_in(*body, "ttl");
  if (!ttl) return tl::unexpected(ttl.error());
  if (*ttl && **ttl > longest) {
    return tl::unexpected(Trouble{.error = {"ttl is longer than 172800", "48 hours are the longest"}});
  }
  const auto user = text_in(*body, "customIdentifier");
  if (!user) return tl::unexpected(user.error());
  wanted->ttl = ttl->value_or(longest);
  wanted->user = *user;
  return Ask{.request = std::move(*wanted), .cluster_hint = request.parameters.at("id"), .answer = answer};
}

Shape at(std::string_view path, tl::expected<Ask, Trouble> (*read)(const http::Request&)) {
  return {.api = "cloudflare", .method = "POST", .paths = {path}, .key = bearer_token, .read = read, .refuse = refuse};
}

}  // namespace

Shape cloudflare_shape() {
  return at("/v1/turn/keys/{id}/credentials/generate-ice-servers", read<array>);
}

Shape cloudflare_single_shape() {
  return at("/v1/turn/keys/{id}/credentials/generate", read<single>);
}

Shape cloudflare_revoke_shape() {
  return at("/v1/turn/keys/{id}/credentials/{username}/revoke", [](const http::Request&) -> tl::expected<Ask, Trouble> {
    return tl::unexpected(
        Trouble{.status = 501,
                .error = {"one credential cannot be revoked: it is good until it expires",
                          "ask for shorter ones, or rotate the cluster's signing key, which ends all of them"}});
  });
}

}  // namespace turnkeeper::monitor
