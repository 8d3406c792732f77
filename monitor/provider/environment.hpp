// TURN_PROVIDER and the variables beside it: whose relays clients get, chosen by the environment.
//
//   auto taken = apply_environment([](const char* name) { return std::getenv(name); }, cluster);
//   if (!taken) return fail(taken.error());
//
// | TURN_PROVIDER | |
// | coturn | our own relays and no others: those that the cluster has, or TURN_URLS with TURN_SECRET_FILE |
// | twilio, xirsys, cloudflare, metered, turn-rest, static, shared-secret | that provider; our own only when it fails |
// | none | no relay: STUN servers alone |
#pragma once

#include <functional>
#include <string>

#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

using Environment = std::function<const char*(const char*)>;  // null: not set

// Whether TURN_PROVIDER is set; if not, the cluster is as it was. Errors name the variable that is wrong or missing.
[[nodiscard]] Result<bool> apply_environment(const Environment& environment, Cluster& cluster);

}  // namespace turnkeeper::monitor
