#include "monitor/shape/xirsys.hpp"

#include <nlohmann/json.hpp>

#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;

http::Response reply(Json value, const char* result, int status = 200) {
  return fresh_json(Json{{"v", std::move(value)}, {"s", result}}.dump(-1, ' ', false, Json::error_handler_t::replace),
                    status);
}

http::Response refuse(const Trouble& trouble) {
  switch (trouble.status) {
    case 401:
    case 403:
      return reply("unauthorized", "error");
    case 404:
      return reply("no_namespace", "error");
    case 429: {
      auto response = reply("too_many_requests", "error", 429);
      if (trouble.retry_after) {
        response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
      }
      return response;
    }
    case 503:
      return reply("no_service", "error", 503);
    default:
      return reply(trouble.error.text(), "error");
  }
}

// One credential for all, as the object has room for one.
http::Response together(const IceConfig& config) {
  const auto best = best_credential(config);
  Json servers = Json::object();
  std::vector<std::string> urls;
  for (const auto& server : config.servers) {
    if (server.username.empty()) urls.insert(urls.end(), server.urls.begin(), server.urls.end());
  }
  urls.insert(urls.end(), best.urls.begin(), best.urls.end());
  if (!best.urls.empty()) servers["username"] = best.username;
  servers["urls"] = std::move(urls);
  if (!best.urls.empty()) servers["credential"] = best.password.reveal();
  return reply(Json{{"iceServers", std::move(servers)}}, "ok");
}

http::Response one_by_one(const IceConfig& config) {
  Json servers = Json::array();
  for (const auto& server : config.servers) {
    for (const auto& url : server.urls) {
      Json entry{{"url", url}};
      if (!server.username.empty()) {
        entry["username"] = server.username;
        entry["credential"] = server.credential.reveal();
      }
      servers.push_back(std::move(entry));
    }
  }
  return reply(Json{{"iceServers", std::move(servers)}}, "ok");
}

tl::expected<Ask, Trouble> read(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return tl::unexpected(wanted.error());
  const auto body = read_json(request.body);
  if (!body) return tl::unexpected(body.error());
  const auto format = text_in(*body, "format");
  if (!format) return tl::unexpected(format.error());
  const auto expire = seconds_in(*body, "expire");
  if (!expire) return tl::unexpected(expire.error());
  wanted->ttl = *expire;
  return Ask{.request = std::move(*wanted),
             .cluster_hint = request.parameters.at("channel"),
             .answer = [urls = *format == "urls"](const IceConfig& config, SystemTime) {
               return urls ? together(config) : one_by_one(config);
             }};
}

}  // namespace

Shape xirsys_shape(std::string_view method) {
  return {.api = "xirsys",
          .method = method,
          .paths = {"/_turn/{channel}"},
          .key = basic_password,
          .read = read,
          .refuse = refuse};
}

}  // namespace turnkeeper::monitor
