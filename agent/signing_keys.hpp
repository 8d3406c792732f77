// keys.json: the signing keys that the operator keeps in a Secret.
//
//   [{"id": "k1", "secret": "<hex>", "phase": "Issuing", "created": "2026-08-01T12:00:00Z"}]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::agent {

// The relay accepts all of them; credentials are made with the issuing one.
enum class KeyPhase { staged, issuing, retiring };

struct SigningKey {
  std::string id;
  Secret secret;
  KeyPhase phase = KeyPhase::issuing;
};

// Exactly one key is issuing, ids and secrets are there once, nothing else is in the file. Errors never contain a
// secret.
[[nodiscard]] Result<std::vector<SigningKey>> parse_signing_keys(std::string_view json);
[[nodiscard]] const SigningKey& issuing_key(const std::vector<SigningKey>& keys);

}  // namespace turnkeeper::agent
