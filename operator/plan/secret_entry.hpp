// What a person put into a Secret that a TurnCluster names. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::op {

// Secrets of a TurnCluster's namespace, by name.
using Secrets = std::map<std::string, nlohmann::json>;
// Those that could not be read, and why.
using UnreadSecrets = std::map<std::string, std::string>;

// The entry, decoded, without the newline at its end that nobody means; never empty. The error tells what is wrong, not
// where: "there is no such Secret".
[[nodiscard]] Result<Secret> secret_entry(const Secrets& secrets, const UnreadSecrets& unread,
                                          const api::SecretKeyRef& reference);

// "Secret turn, entry value".
[[nodiscard]] std::string place_of(const api::SecretKeyRef& reference);

}  // namespace turnkeeper::op
