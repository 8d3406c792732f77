// The part of a TurnCluster that says what clients get beside its relays: spec.failover.
#pragma once

#include "turnkeeper/api/object_reader.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

// Problems go to `report`.
void read_failover(ReadReport& report, ObjectReader& reader, Spec& spec);

// What of a Secret is meant: `default_key` when none is named; null: one must be.
void read_secret_reference(ObjectReader& parent, const char* field, const char* default_key, SecretKeyRef& out);

// Which fields the providers' types need and do not have, or have and do not need.
void check_failover(const Spec& spec, Problems& problems);

}  // namespace turnkeeper::api
