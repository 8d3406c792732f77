#include "monitor/shape/device.hpp"

#include <nlohmann/json.hpp>

#include "monitor/shape/native.hpp"
#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

tl::expected<Ask, Trouble> read(const http::Request& request) {
  auto wanted = native_request(request);
  if (!wanted) return tl::unexpected(wanted.error());
  wanted->user = request.field("device_id").value_or("");
  if (wanted->user.empty()) {
    return tl::unexpected(Trouble{.error = {"the request names no device", "add device_id=NAME"}});
  }
  return Ask{
      .request = std::move(*wanted), .must_name_user = true, .answer = [](const IceConfig& config, SystemTime now) {
        const auto best = best_credential(config);
        if (best.urls.empty()) {
          return native_refusal({.status = 503, .error = {"there is no relay", "ask again in a moment"}});
        }
        return fresh_json(nlohmann::ordered_json{{"urls", best.urls},
                                                 {"username", best.username},
                                                 {"credential", best.password.reveal()},
                                                 {"ttl", seconds_left(config, now)},
                                                 {"expires_at", rfc3339(config.expires)}}
                              .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      }};
}

}  // namespace

Shape device_shape() {
  return {.api = "device",
          .method = "GET",
          .paths = {"/api/turn/credentials"},
          .key = native_key,
          .read = read,
          .refuse = native_refusal};
}

}  // namespace turnkeeper::monitor
