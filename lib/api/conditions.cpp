#include "turnkeeper/api/conditions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace turnkeeper::api {
namespace {

std::string_view status_name(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::yes:
      return "True";
    case ConditionStatus::no:
      return "False";
    case ConditionStatus::unknown:
      break;
  }
  return "Unknown";
}

std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

void set_condition(Conditions& conditions, Condition condition, SystemTime now) {
  const auto same_type = [&](const Condition& other) { return other.type == condition.type; };
  const auto found = std::find_if(conditions.begin(), conditions.end(), same_type);
  if (found == conditions.end()) {
    condition.last_transition = std::chrono::floor<std::chrono::seconds>(now);
    conditions.push_back(std::move(condition));
    return;
  }
  condition.last_transition =
      found->status == condition.status ? found->last_transition : std::chrono::floor<std::chrono::seconds>(now);
  *found = std::move(condition);
}

const Condition* find_condition(const Conditions& conditions, std::string_view type) {
  for (const auto& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

nlohmann::json to_json(const Conditions& conditions) {
  auto list = nlohmann::json::array();
  for (const auto& condition : conditions) {
    list.push_back({{"type", condition.type},
                    {"status", status_name(condition.status)},
                    {"reason", condition.reason},
                    {"message", condition.message},
                    {"observedGeneration", condition.observed_generation},
                    {"lastTransitionTime", rfc3339(condition.last_transition)}});
  }
  return list;
}

Conditions conditions_from_json(const nlohmann::json& list) {
  Conditions conditions;
  if (!list.is_array()) return conditions;
  for (const auto& item : list) {
    if (!item.is_object() || text_at(item, "type").empty()) continue;
    const auto status = text_at(item, "status");
    const auto generation = item.find("observedGeneration");
    conditions.push_back(
        {.type = text_at(item, "type"),
         .status = status == "True"    ? ConditionStatus::yes
                   : status == "False" ? ConditionStatus::no
                                       : ConditionStatus::unknown,
         .reason = text_at(item, "reason"),
         .message = text_at(item, "message"),
         .observed_generation =
             generation != item.end() && generation->is_number_integer() ? generation->get<std::int64_t>() : 0,
         .last_transition = parse_rfc3339(text_at(item, "lastTransitionTime")).value_or(SystemTime{})});
  }
  return conditions;
}

}  // namespace turnkeeper::api
