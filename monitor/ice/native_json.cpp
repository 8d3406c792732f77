#include <nlohmann/json.hpp>

#include "monitor/ice/make_ice_config.hpp"

namespace turnkeeper::monitor {

std::string native_json(const IceConfig& config, SystemTime now) {
  using Json = nlohmann::ordered_json;
  Json servers = Json::array();
  for (const auto& server : config.servers) {
    Json entry{{"urls", server.urls}};
    if (!server.username.empty()) {
      entry["username"] = server.username;
      entry["credential"] = server.credential.reveal();
    }
    servers.push_back(std::move(entry));
  }
  // Never negative, and not a second short for the fraction that was cut off the expiry.
  const auto ttl = std::chrono::ceil<std::chrono::seconds>(std::max(config.expires - now, SystemTime::duration(0)));
  return Json{{"iceServers", servers},
              {"ttl", ttl.count()},
              {"expiresAt", rfc3339(config.expires)},
              {"refreshAt", rfc3339(config.refresh_at)},
              {"cluster", config.cluster},
              {"region", config.region},
              {"servedBy", config.served_by}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace turnkeeper::monitor
