// What would change in a Kubernetes cluster, as values and as text that a person reads. Pure.
//
//   create Secret telephony/calls-signing-keys
//   change StatefulSet telephony/calls-eu
//     ~ spec.template.spec.containers[relay].image: "coturn:4.6.1" -> "coturn:4.18.0"
//   delete Service telephony/calls-us at us-east
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace turnkeeper::op {

struct FieldChange {
  std::string path;                      // "spec.template.spec.containers[0].image"
  std::optional<nlohmann::json> before;  // unset: the field is new
  std::optional<nlohmann::json> after;   // unset: the field goes
  bool operator==(const FieldChange&) const = default;
};

struct Change {
  enum class Kind { create, update, remove };
  Kind kind = Kind::create;
  std::string site;    // "" is the Kubernetes cluster that the TurnCluster is in
  std::string object;  // "StatefulSet telephony/calls-eu"
  std::vector<FieldChange> fields;
  bool operator==(const Change&) const = default;
};

// "StatefulSet telephony/calls-eu".
[[nodiscard]] std::string object_title(const nlohmann::json& object);
// A Secret's data and stringData with "(hidden)" in the place of each value.
[[nodiscard]] nlohmann::json without_secrets(nlohmann::json object);
// Field by field, in the order of the fields' names. What the API server keeps for itself is left out: managedFields,
// resourceVersion, generation, status and the like. Items of a list are compared by name where they have one, else by
// place. Entries of a Secret that differ are told as such, without either value.
[[nodiscard]] std::vector<FieldChange> differences(const nlohmann::json& before, const nlohmann::json& after);

// Empty when there are no changes. Long values are cut.
[[nodiscard]] std::string text(const std::vector<Change>& changes);
// A stream of YAML documents, `---` before each.
[[nodiscard]] std::string yaml(const std::vector<nlohmann::json>& objects);

}  // namespace turnkeeper::op
