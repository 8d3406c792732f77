#include <algorithm>

#include "monitor/shape/cloudflare.hpp"
#include "monitor/shape/device.hpp"
#include "monitor/shape/metered.hpp"
#include "monitor/shape/native.hpp"
#include "monitor/shape/stunner.hpp"
#include "monitor/shape/turn_rest.hpp"
#include "monitor/shape/twilio.hpp"
#include "monitor/shape/xirsys.hpp"

namespace turnkeeper::monitor {

std::span<const Shape> shapes() {
  static const std::vector<Shape> all{
      native_shape(),         device_shape(),      turn_rest_shape(),         stunner_shape(),
      twilio_shape(),         xirsys_shape("PUT"), xirsys_shape("POST"),      metered_shape(),
      metered_create_shape(), cloudflare_shape(),  cloudflare_single_shape(), cloudflare_revoke_shape(),
  };
  return all;
}

std::int64_t seconds_left(const IceConfig& config, SystemTime now) {
  return std::chrono::ceil<std::chrono::seconds>(std::max(config.expires - now, SystemTime::duration(0))).count();
}

OneCredential best_credential(const IceConfig& config) {
  OneCredential best;
  for (const auto& server : config.servers) {
    if (server.username.empty()) continue;
    if (best.urls.empty()) {
      best.username = server.username;
      best.password = server.credential;
    } else if (server.username != best.username || server.credential != best.password) {
      continue;
    }
    best.urls.insert(best.urls.end(), server.urls.begin(), server.urls.end());
  }
  return best;
}

http::Response fresh_json(std::string body, int status) {
  auto response = http::Response::json(std::move(body), status);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace turnkeeper::monitor
