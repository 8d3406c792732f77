#include "turnkeeper/api/signing_keys.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

namespace turnkeeper::api {
namespace {

using nlohmann::json;
using Phase = SigningKey::Phase;

constexpr std::array phases{std::pair{Phase::staged, "Staged"}, std::pair{Phase::issuing, "Issuing"},
                            std::pair{Phase::retiring, "Retiring"}, std::pair{Phase::removed, "Removed"}};
constexpr std::array fields{"id", "secret", "phase", "created"};
constexpr const char* since_field = "since";

tl::unexpected<Error> wrong(const std::string& what) {
  return fail("signing keys: " + what,
              R"(write a list such as [{"id": "k1", "secret": "...", "phase": "Issuing", "created": "..."}])");
}

const char* phase_name(Phase phase) {
  return std::ranges::find(phases, phase, [](const auto& entry) { return entry.first; })->second;
}

Result<Phase> parse_phase(const std::string& name) {
  for (const auto& [phase, candidate] : phases) {
    if (name == candidate) return phase;
  }
  return wrong("phase \"" + name + "\" is none of Staged, Issuing, Retiring, Removed");
}

Result<SigningKey> parse_key(const json& object, const std::string& where) {
  if (!object.is_object()) return wrong(where + " is not an object");
  for (const auto& [name, value] : object.items()) {
    if (name != since_field && std::ranges::find(fields, name) == fields.end())
      return wrong(where + " has the unknown field \"" + name + "\"");
    if (!value.is_string()) return wrong(where + "." + name + " is not a string");
  }
  for (const char* name : fields) {
    if (!object.contains(name) || object[name].get_ref<const std::string&>().empty()) {
      return wrong(where + " has no " + name);
    }
  }
  const auto phase = parse_phase(object["phase"].get<std::string>());
  if (!phase) return fail(phase.error());
  const auto created = parse_rfc3339(object["created"].get<std::string>());
  if (!created) return wrong(where + ".created is no RFC 3339 time");
  auto since = created;
  if (object.contains(since_field)) since = parse_rfc3339(object[since_field].get<std::string>());
  if (!since) return wrong(where + ".since is no RFC 3339 time");
  return SigningKey{object["id"].get<std::string>(), Secret(object["secret"].get<std::string>()), *phase, *created,
                    *since};
}

}  // namespace

const SigningKey* issuing_key(const SigningKeys& keys) {
  const auto found = std::ranges::find(keys, Phase::issuing, &SigningKey::phase);
  return found == keys.end() ? nullptr : &*found;
}

SigningKeys accepted_keys(const SigningKeys& keys) {
  SigningKeys accepted;
  std::ranges::remove_copy(keys, std::back_inserter(accepted), Phase::removed, &SigningKey::phase);
  return accepted;
}

Secret render_signing_keys(const SigningKeys& keys) {
  auto list = json::array();
  for (const auto& key : keys) {
    list.push_back({{"id", key.id},
                    {"secret", key.secret.reveal()},
                    {"phase", phase_name(key.phase)},
                    {"created", rfc3339(key.created)},
                    {"since", rfc3339(key.since)}});
  }
  return Secret(list.dump());
}

Result<SigningKeys> parse_signing_keys(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  // The parser's own message would quote the text, and with it a secret.
  if (document.is_discarded()) return wrong("not JSON");
  if (!document.is_array()) return wrong("not a list");
  SigningKeys keys;
  std::set<std::string> ids;
  std::set<std::string> secrets;
  for (const json& object : document) {
    auto key = parse_key(object, "key " + std::to_string(keys.size() + 1));
    if (!key) return fail(key.error());
    if (!ids.insert(key->id).second) return wrong("the id \"" + key->id + "\" is there twice");
    if (!secrets.insert(key->secret.reveal()).second) return wrong("key \"" + key->id + "\" has another key's secret");
    keys.push_back(std::move(*key));
  }
  const auto issuing = std::ranges::count(keys, Phase::issuing, &SigningKey::phase);
  if (issuing != 1) return wrong(std::to_string(issuing) + " keys are Issuing; it must be one");
  return keys;
}

}  // namespace turnkeeper::api
