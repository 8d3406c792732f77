#include "operator/resources/signing_keys.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace turnkeeper::op {
namespace {

using Phase = SigningKey::Phase;

constexpr std::array phases{std::pair{Phase::staged, "Staged"}, std::pair{Phase::issuing, "Issuing"},
                            std::pair{Phase::retiring, "Retiring"}};

const char* phase_name(Phase phase) {
  for (const auto& [value, name] : phases) {
    if (value == phase) return name;
  }
  return "";
}

std::optional<Phase> parse_phase(const std::string& name) {
  for (const auto& [value, candidate] : phases) {
    if (name == candidate) return value;
  }
  return std::nullopt;
}

const std::string* text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

}  // namespace

Secret signing_keys_document(const SigningKeys& keys) {
  auto list = nlohmann::json::array();
  for (const auto& key : keys) {
    list.push_back({{"id", key.id},
                    {"secret", key.secret.reveal()},
                    {"phase", phase_name(key.phase)},
                    {"created", rfc3339(key.created)}});
  }
  return Secret(list.dump());
}

Result<SigningKeys> parse_signing_keys(std::string_view document) {
  static const char* advice =
      "restore the Secret from a backup, or delete it to have a new key made (clients then need new credentials)";
  const auto list = nlohmann::json::parse(document, nullptr, false);
  if (!list.is_array()) return fail("keys.json is no JSON list", advice);
  SigningKeys keys;
  for (const auto& item : list) {
    const auto where = "key " + std::to_string(keys.size() + 1) + " of keys.json";
    if (!item.is_object()) return fail(where + " is no object", advice);
    const auto* id = text_at(item, "id");
    const auto* secret = text_at(item, "secret");
    const auto* phase = text_at(item, "phase");
    const auto* created = text_at(item, "created");
    if (id == nullptr || id->empty()) return fail(where + " has no id", advice);
    if (secret == nullptr || secret->empty()) return fail(where + " has no secret", advice);
    const auto parsed_phase = phase != nullptr ? parse_phase(*phase) : std::nullopt;
    if (!parsed_phase) return fail(where + " has no phase of Staged, Issuing or Retiring", advice);
    const auto time = parse_rfc3339(created != nullptr ? *created : "");
    if (!time) return fail(where + " has no time of creation", advice);
    keys.push_back({*id, Secret(*secret), *parsed_phase, *time});
  }
  const auto issuing =
      std::count_if(keys.begin(), keys.end(), [](const auto& key) { return key.phase == Phase::issuing; });
  if (issuing != 1) {
    return fail("keys.json has " + std::to_string(issuing) + " keys in phase Issuing, instead of one", advice);
  }
  return keys;
}

}  // namespace turnkeeper::op
