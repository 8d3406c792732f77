#include "monitor/shape/turn_rest.hpp"

#include <nlohmann/json.hpp>

#include "monitor/shape/native.hpp"
#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

http::Response answer(const IceConfig& config, SystemTime now) {
  const auto best = best_credential(config);
  if (best.urls.empty())
    return native_refusal({.status = 503, .error = {"there is no relay", "ask again in a moment"}});
  return fresh_json(nlohmann::ordered_json{
      {"username", best.username},
      {"password", best.password.reveal()},
      {"ttl", seconds_left(config, now)},
      {"uris",
       best.urls}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

tl::expected<Ask, Trouble> read(const http::Request& request) {
  if (const auto service = request.field("service"); service && *service != "turn") {
    return tl::unexpected(Trouble{.error = {"there is no service \"" + *service + "\"", "write service=turn"}});
  }
  auto wanted = native_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  wanted->user = request.field("username").value_or("");
  return Ask{.request = std::move(*wanted), .answer = answer};
}

}  // namespace

bool is_turn_rest(const http::Request& request) {
  return request.field("service").has_value();
}

Shape turn_rest_shape() {
  return {.api = "turn-rest",
          .method = "GET",
          .paths = {"/turn", "/turn/credentials"},
          .key =
              [](const http::Request& request) {
                auto key = query_key(request, "key");
                return key.empty() ? native_key(request) : key;
              },
          .read = read,
          .refuse = native_refusal};
}

}  // namespace turnkeeper::monitor
