#include <algorithm>

#include "operator/plan/status.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

json relay_json(const RelayStatus& relay) {
  json object = {{"name", relay.name},
                 {"region", relay.region},
                 {"verdict", api::verdict_name(relay.verdict)},
                 {"since", rfc3339(relay.since)}};
  if (!relay.address.empty()) object["address"] = relay.address;
  if (relay.cause != api::Cause::none) object["cause"] = api::cause_name(relay.cause);
  if (!relay.version.empty()) object["version"] = relay.version;
  if (relay.sessions) object["sessions"] = *relay.sessions;
  return object;
}

json region_json(const RegionStatus& region) {
  json object = {{"name", region.name},
                 {"verdict", api::verdict_name(region.verdict)},
                 {"relays", region.relays},
                 {"healthy", region.healthy},
                 {"servedBy", region.served_by}};
  if (region.replaced) object["replaced"] = rfc3339(*region.replaced);
  return object;
}

json credentials_json(const CredentialsStatus& credentials) {
  json object = json::object();
  if (!credentials.phase.empty()) object["phase"] = credentials.phase;
  if (!credentials.current_key.empty()) object["currentKey"] = credentials.current_key;
  if (credentials.next_rotation) object["nextRotation"] = rfc3339(*credentials.next_rotation);
  if (!credentials.request.empty()) object["request"] = credentials.request;
  return object;
}

}  // namespace

json to_json(const Status& status) {
  auto regions = json::array();
  auto relays = json::array();
  for (const auto& region : status.regions) regions.push_back(region_json(region));
  for (const auto& relay : status.relays) relays.push_back(relay_json(relay));
  const auto count = [](const auto& items, auto predicate) { return std::ranges::count_if(items, predicate); };
  json object = {
      {"observedGeneration", status.observed_generation},
      {"summary",
       {{"regions", status.regions.size()},
        {"serving", count(status.regions, [](const auto& region) { return region.served_by == region.name; })},
        {"relays", status.relays.size()},
        {"healthy", count(status.relays, [](const auto& relay) { return relay.verdict == api::Verdict::healthy; })}}},
      {"conditions", api::to_json(status.conditions)},
      {"regions", regions},
      {"relays", relays}};
  if (!status.selector.empty()) {
    object["replicas"] = status.replicas;
    object["selector"] = status.selector;
  }
  if (status.budget.is_object()) object["budget"] = status.budget;
  std::int64_t sessions = 0;
  for (const auto& relay : status.relays) {
    sessions += relay.sessions.value_or(0);
    if (relay.sessions) object["summary"]["sessions"] = sessions;
  }
  if (status.credentials) object["credentials"] = credentials_json(*status.credentials);
  return object;
}

json refused_status(const json& object, const api::Problems& problems, SystemTime now) {
  json status = object.contains("status") && object["status"].is_object() ? object["status"] : json::object();
  const auto generation = object.value(json::json_pointer("/metadata/generation"), std::int64_t{0});
  auto conditions = api::conditions_from_json(status.value("conditions", json()));
  const auto set = [&](const char* type, api::ConditionStatus value, std::string message) {
    api::set_condition(conditions,
                       {.type = type,
                        .status = value,
                        .reason = "InvalidSpec",
                        .message = std::move(message),
                        .observed_generation = generation},
                       now);
  };
  set("Stalled", api::ConditionStatus::yes, api::problems_text(problems));
  set("Reconciling", api::ConditionStatus::no, "waits for the spec to be corrected");
  if (api::find_condition(conditions, "Ready") == nullptr) {
    set("Ready", api::ConditionStatus::no, "the spec cannot be used; see the condition Stalled");
  }
  status["observedGeneration"] = generation;
  status["conditions"] = api::to_json(conditions);
  return status;
}

}  // namespace turnkeeper::op
