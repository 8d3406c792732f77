// The part of a TurnCluster that says what relays look like: spec.relay, and a region's `relay:` laid over it.
#pragma once

#include "turnkeeper/api/object_reader.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

// Reads over what `relay` holds: the defaults for spec.relay, spec.relay for a region. Problems go to `report`.
void read_relay(ReadReport& report, ObjectReader& reader, RelaySpec& relay);

}  // namespace turnkeeper::api
