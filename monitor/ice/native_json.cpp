// Written by hand: as a tree of nlohmann::json it took as long as all the rest of an answer
// (tests/bench/ice_benchmark).
#include <algorithm>

#include "monitor/ice/json_text.hpp"
#include "monitor/ice/make_ice_config.hpp"

namespace turnkeeper::monitor {
namespace {

void add_field(std::string& to, std::string_view name, const std::string& text) {
  to.append(",\"").append(name).append("\":");
  add_json(to, text);
}

void add_servers(std::string& to, const std::vector<IceServer>& servers) {
  to += R"({"iceServers":[)";
  for (const auto& server : servers) {
    to += &server == &servers.front() ? "{\"urls\":[" : ",{\"urls\":[";
    for (const auto& url : server.urls) {
      if (&url != &server.urls.front()) to += ',';
      add_json(to, url);
    }
    to += ']';
    if (!server.username.empty()) {
      add_field(to, "username", server.username);
      add_field(to, "credential", server.credential.reveal());
    }
    to += '}';
  }
  to += ']';
}

}  // namespace

std::string native_json(const IceConfig& config, SystemTime now, std::string_view reason) {
  // Never negative, and not a second short for the fraction that was cut off the expiry.
  const auto ttl = std::chrono::ceil<std::chrono::seconds>(std::max(config.expires - now, SystemTime::duration(0)));
  std::string json;
  json.reserve(768);
  add_servers(json, config.servers);
  json.append(",\"ttl\":").append(std::to_string(ttl.count()));
  add_field(json, "expiresAt", rfc3339(config.expires));
  add_field(json, "refreshAt", rfc3339(config.refresh_at));
  add_field(json, "cluster", config.cluster);
  add_field(json, "region", config.region);
  add_field(json, "servedBy", config.served_by);
  if (!reason.empty()) add_field(json, "reason", std::string(reason));
  json += '}';
  return json;
}

}  // namespace turnkeeper::monitor
