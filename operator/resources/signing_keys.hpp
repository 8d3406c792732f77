// The signing keys of a cluster and the document (keys.json) in which they cross process borders. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::op {

struct SigningKey {
  enum class Phase { staged, issuing, retiring };  // as in proto/turnkeeper/v1/targets.proto
  std::string id;
  Secret secret;
  Phase phase = Phase::issuing;
  SystemTime created;
  bool operator==(const SigningKey&) const = default;
};

// Exactly one is issuing.
using SigningKeys = std::vector<SigningKey>;

// [{"id":"k1","secret":"<hex>","phase":"Issuing","created":"2026-08-01T12:00:00Z"}]
[[nodiscard]] Secret signing_keys_document(const SigningKeys& keys);
// An error says what is wrong without repeating any of the document.
[[nodiscard]] Result<SigningKeys> parse_signing_keys(std::string_view document);

}  // namespace turnkeeper::op
