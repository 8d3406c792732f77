// The Secret with a cluster's signing keys: made, read, copied to other sites, and taken through its rotation. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/placed.hpp"
#include "operator/plan/plan.hpp"
#include "operator/plan/roll.hpp"
#include "operator/plan/status.hpp"
#include "turnkeeper/api/signing_keys.hpp"

namespace turnkeeper::op {

// On the TurnCluster: each new text asks once for a rotation, or for the removal of all keys but a new one.
inline constexpr const char* rotate_annotation = "turnkeeper.io/rotate";
inline constexpr const char* revoke_annotation = "turnkeeper.io/revoke";

struct Credentials {
  std::optional<Placed> create;  // the Secret, when there is none
  // The Secret and its copies as they should be; those that are there name the version that was read, so that a write
  // by somebody who saw less or more fails. The rotation's next step is in the Secret only, its copies follow.
  std::vector<Placed> wanted;
  api::SigningKeys keys;  // as they stand, for monitors; empty: there are none, or they cannot be read
  std::optional<CredentialsStatus> status;
  std::optional<Halt> trouble;  // nothing can be made, or what is there cannot be read
  std::vector<Notice> notices;  // of `create`, or of the step that is in `wanted`
  PhaseSights sights;
  std::optional<HeldKeys> held;
  std::optional<std::chrono::seconds> look_again;
};

// Only `create` and its notices, when there is no Secret with signing keys and one is to be made: what is planned next
// rests on it. One that somebody deleted is made as it was.
[[nodiscard]] Credentials first_signing_keys(const api::TurnCluster& cluster, const Observed& observed,
                                             const Settings& settings, SystemTime now);

[[nodiscard]] Credentials plan_credentials(const api::TurnCluster& cluster, const Observed& observed,
                                           const Settings& settings, const std::vector<RelayPod>& pods,
                                           const ClusterHealth& health, SystemTime now);

}  // namespace turnkeeper::op
