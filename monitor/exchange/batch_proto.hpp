// Observations and memories as turnkeeper.v1 carries them. Times travel as ages, so that no two clocks need to agree.
#pragma once

#include <optional>

#include "monitor/target/relay_memory.hpp"
#include "monitor/verdict/observation.hpp"
#include "turnkeeper/v1/observations.pb.h"

namespace turnkeeper::monitor {

[[nodiscard]] google::protobuf::Duration duration_to_proto(std::chrono::nanoseconds duration);
// Below zero: zero; above ten years: ten years.
[[nodiscard]] std::chrono::nanoseconds duration_from_proto(const google::protobuf::Duration& duration);

// Takes out all that is of other TurnClusters than this one. Whether there was an observation or a memory of another.
bool keep_only_cluster(const std::string& cluster, v1::ObservationBatch& batch);

// `now`: when the batch is made. The observation's vantage is the sender's and not repeated.
void to_proto(const RelayId& id, const Observation& observation, SteadyTime now, v1::RelayObservation& to);
void to_proto(const RelayMemory& memory, SteadyTime now, v1::RelayMemory& to);

// `made`: when the sender made the batch, in our steady time. A cause that this version does not know is none; the
// detail still says it.
[[nodiscard]] SeenRelay from_proto(const v1::RelayObservation& from, const std::string& vantage, SteadyTime made);
// Nothing for a verdict that this version does not know.
[[nodiscard]] std::optional<RelayMemory> from_proto(const v1::RelayMemory& from, SteadyTime made);

}  // namespace turnkeeper::monitor
