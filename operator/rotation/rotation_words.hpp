// What a rotation is doing, for people: status.credentials and the condition CredentialsCurrent. Pure.
#pragma once

#include "operator/rotation/rotation.hpp"

namespace turnkeeper::op {

// Fills in all of `rotation` that describes the input. `sights` must be there.
void describe(const RotationInput& input, Rotation& rotation);

// Relays that are not known to give this answer to the key, each with what is known instead.
struct Unproven {
  std::vector<std::string> relays;
  bool reached_none = true;  // not one relay gives the answer
};
[[nodiscard]] Unproven unproven(const RotationInput& input, const std::string& key, bool accepted);

// For how long a retiring key stays.
[[nodiscard]] std::chrono::seconds retirement(const RotationInput& input, const std::string& key);

}  // namespace turnkeeper::op
