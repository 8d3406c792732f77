// Kubernetes conditions (metav1.Condition) as values.
//
//   Conditions conditions = conditions_from_json(status["conditions"]);
//   set_condition(conditions, {.type = "Ready", .status = ConditionStatus::yes, .reason = "AllRegionsServe", ...},
//   now); status["conditions"] = to_json(conditions);
//
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::api {

enum class ConditionStatus { yes, no, unknown };  // "True", "False", "Unknown"

struct Condition {
  std::string type;  // "Ready"
  ConditionStatus status = ConditionStatus::unknown;
  std::string reason;   // CamelCase, for programs; never empty
  std::string message;  // for people
  std::int64_t observed_generation = 0;
  SystemTime last_transition;  // when `status` last changed; whole seconds, as Kubernetes keeps it
  bool operator==(const Condition&) const = default;
};

// At most one of each type, in the order in which they were first set.
using Conditions = std::vector<Condition>;

// Adds or replaces the condition of that type. `last_transition` becomes `now` when the status is new or changed, and
// stays what it was otherwise, whatever the argument says.
void set_condition(Conditions& conditions, Condition condition, SystemTime now);
// Null when there is none.
[[nodiscard]] const Condition* find_condition(const Conditions& conditions, std::string_view type);

[[nodiscard]] nlohmann::json to_json(const Conditions& conditions);
// Tolerant: what is not a condition is left out, a time that cannot be read is the epoch.
[[nodiscard]] Conditions conditions_from_json(const nlohmann::json& list);

}  // namespace turnkeeper::api
