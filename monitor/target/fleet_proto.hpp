// Fleet as the TargetSet of turnkeeper.v1, both ways, and as the snapshot file that holds one as protobuf JSON.
#pragma once

#include <string>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/v1/targets.pb.h"

namespace turnkeeper::monitor {

// Absent durations and numbers become Fleet's defaults. An error names the field: a relay without a URI or with one
// that is no TURN server's, a range of peers that is none, a key without an id or secret, two relays of one cluster
// with the same name.
[[nodiscard]] Result<Fleet> fleet_from_proto(const v1::TargetSet& targets);

// Relays with a credential of their own are left out: an operator has none.
[[nodiscard]] v1::TargetSet to_proto(const Fleet& fleet);

// Reads what the operator keeps in the mounted snapshot Secret. Fields that a newer operator may have added are
// ignored.
[[nodiscard]] Result<Fleet> load_snapshot(const std::string& path);

}  // namespace turnkeeper::monitor
