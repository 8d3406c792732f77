#include "cli/monitor_client.hpp"

#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::cli {
namespace {

constexpr const char* kOtherVersion = "use the same version of turnctl as of the monitor";

std::string query_text(const IceQuery& query) {
  std::string text = "?user=" + percent_encode(query.user);
  if (!query.cluster.empty()) text += "&cluster=" + percent_encode(query.cluster);
  if (!query.region.empty()) text += "&region=" + percent_encode(query.region);
  if (!query.session.empty()) text += "&session=" + percent_encode(query.session);
  return text;
}

}  // namespace

Result<ReceivedIce> parse_ice(const std::string& json) {
  try {
    const auto parsed = nlohmann::json::parse(json);
    ReceivedIce ice{.turn = {}, .region = parsed.at("region"), .served_by = parsed.at("servedBy")};
    for (const auto& server : parsed.at("iceServers")) {
      for (const std::string url : server.at("urls")) {
        if (!url.starts_with("turn:")) continue;
        ice.turn.push_back({.url = url,
                            .username = server.value("username", ""),
                            .credential = Secret(server.value("credential", ""))});
      }
    }
    return ice;
  } catch (const nlohmann::json::exception& error) {
    // Its text may quote what it met, and credentials stand there.
    return fail("the monitor's ICE config is not understood (error " + std::to_string(error.id) + ")", kOtherVersion);
  }
}

http::ClientRequest MonitorClient::request(const std::string& target) const {
  http::ClientRequest request{.method = "GET", .target = target, .headers = {}, .body = ""};
  if (api_key_) request.headers["Authorization"] = "Bearer " + api_key_->reveal();
  return request;
}

Result<std::string> MonitorClient::get(const std::string& target, Deadline deadline) const {
  const auto reply = http::fetch(url_, request(target), deadline);
  if (!reply) {
    return fail(reply.error().message, reply.error().advice.empty()
                                           ? "name the monitor with --url, or start one: turnctl up -f cluster.yaml"
                                           : reply.error().advice);
  }
  if (reply->status != 200) return fail(reply->error());
  return reply->body;
}

Result<std::string> MonitorClient::ice(const IceQuery& query, Deadline deadline) const {
  return get("/v1/ice" + query_text(query), deadline);
}

Result<http::EventSource> MonitorClient::events(const IceQuery& query, Deadline deadline) const {
  return http::EventSource::open(url_, request("/v1/events" + query_text(query)), deadline);
}

Result<std::vector<std::pair<std::string, std::string>>> MonitorClient::verdicts(Deadline deadline) const {
  const auto body = get("/api/relays", deadline);
  if (!body) return fail(body.error());
  try {
    std::vector<std::pair<std::string, std::string>> verdicts;
    const auto status = nlohmann::json::parse(*body);
    for (const auto& cluster : status.at("clusters")) {
      for (const auto& region : cluster.at("regions")) {
        for (const auto& relay : region.at("relays")) verdicts.emplace_back(relay.at("name"), relay.at("verdict"));
      }
    }
    return verdicts;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("the monitor's status is not understood: ") + error.what(), kOtherVersion);
  }
}

}  // namespace turnkeeper::cli
