#include "agent/signing_keys.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace turnkeeper::agent {
namespace {

using nlohmann::json;

constexpr const char* expected_form =
    R"(it must be a list such as [{"id": "k1", "secret": "...", "phase": "Issuing", "created": "..."}])";

tl::unexpected<Error> wrong(const std::string& what) {
  return fail("signing keys: " + what, expected_form);
}

Result<KeyPhase> parse_phase(const std::string& name) {
  if (name == "Staged") return KeyPhase::staged;
  if (name == "Issuing") return KeyPhase::issuing;
  if (name == "Retiring") return KeyPhase::retiring;
  return wrong("phase \"" + name + "\" is none of Staged, Issuing, Retiring");
}

Result<SigningKey> parse_key(const json& object, const std::string& where) {
  if (!object.is_object()) return wrong(where + " is not an object");
  for (const auto& [name, value] : object.items()) {
    if (name != "id" && name != "secret" && name != "phase" && name != "created") {
      return wrong(where + " has the unknown field \"" + name + "\"");
    }
    if (!value.is_string()) return wrong(where + "." + name + " is not a string");
  }
  for (const char* name : {"id", "secret", "phase"}) {
    if (!object.contains(name) || object[name].get_ref<const std::string&>().empty()) {
      return wrong(where + " has no " + name);
    }
  }
  const auto phase = parse_phase(object["phase"].get<std::string>());
  if (!phase) return fail(phase.error());
  return SigningKey{object["id"].get<std::string>(), Secret(object["secret"].get<std::string>()), *phase};
}

}  // namespace

Result<std::vector<SigningKey>> parse_signing_keys(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  // The parser's own message would quote the text, and with it a secret.
  if (document.is_discarded()) return wrong("the file is not JSON");
  if (!document.is_array()) return wrong("the file is not a list");
  std::vector<SigningKey> keys;
  std::set<std::string> ids;
  std::set<std::string> secrets;
  for (const json& object : document) {
    auto key = parse_key(object, "key " + std::to_string(keys.size() + 1));
    if (!key) return fail(key.error());
    if (!ids.insert(key->id).second) return wrong("the id \"" + key->id + "\" is there twice");
    if (!secrets.insert(key->secret.reveal()).second) return wrong("key \"" + key->id + "\" has another key's secret");
    keys.push_back(std::move(*key));
  }
  const auto issuing =
      std::count_if(keys.begin(), keys.end(), [](const SigningKey& key) { return key.phase == KeyPhase::issuing; });
  if (issuing != 1) return wrong(std::to_string(issuing) + " keys are Issuing; it must be one");
  return keys;
}

const SigningKey& issuing_key(const std::vector<SigningKey>& keys) {
  return *std::find_if(keys.begin(), keys.end(), [](const SigningKey& key) { return key.phase == KeyPhase::issuing; });
}

}  // namespace turnkeeper::agent
