// The objects that a TurnCluster should have, beside its signing keys. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "operator/plan/plan.hpp"

namespace turnkeeper::op {

struct Wanted {
  const api::TurnCluster& cluster;  // with the ordinals that there should be now
  const Observed& observed;
  const Settings& settings;
  const std::vector<RelayPod>& pods;
  const api::SigningKeys& keys;                              // empty: not known at the moment
  std::optional<std::uint64_t> bits_per_second_per_session;  // in the place of that in limits
};

// At every site that answers, in the order in which they should be made: last those whose kinds need not be installed.
// Each with a fingerprint of itself as an annotation: a field that is asked for no more is in none of the objects, so
// only their fingerprints tell that it went away.
[[nodiscard]] std::vector<Placed> wanted_children(const Wanted& wanted);

}  // namespace turnkeeper::op
