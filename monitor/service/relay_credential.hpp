// The credentials that this monitor itself uses a relay with. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitor/probe/probe.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::monitor {

// The user that the monitor at a vantage is to relays, after the time that a time-limited user name begins with.
[[nodiscard]] std::string monitor_user(const std::string& vantage);

// What the relay's credential source says: its own user, or one signed with its own secret; else one signed with the
// cluster's issuing key. Signed ones are named after the vantage. An error when there is no such relay or no such key.
[[nodiscard]] Result<turn::Credential> relay_credential(const Fleet& fleet, const RelayId& id,
                                                        const std::string& vantage, SystemTime now);

// That, and what there is to compare it with when the relay refuses it, or to prove that the relay refuses what it
// should.
struct RelayCredentials {
  turn::Credential current;
  std::string key;                          // names what `current` is made of, without telling it
  std::optional<turn::Credential> lasting;  // the same key and user, good for years
  std::vector<AuthHints::Key> other_keys;   // of the cluster: relays should accept them too
  std::optional<turn::Credential> expired;  // the same key, an hour too late; nothing for fixed users
  std::vector<AuthHints::Key> old_keys;     // removed: must be refused
};
[[nodiscard]] Result<RelayCredentials> relay_credentials(const Fleet& fleet, const RelayId& id,
                                                         const std::string& vantage, SystemTime now);

}  // namespace turnkeeper::monitor
