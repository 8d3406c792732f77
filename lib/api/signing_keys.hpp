// The signing keys of a cluster, and keys.json: the document in which they lie in a Kubernetes Secret, in a relay's pod
// and in the state directory of `turnctl up`. Pure.
//
//   [{"id":"k1","secret":"<hex>","phase":"Issuing","created":"2026-08-01T12:00:00Z","since":"2026-08-01T12:00:10Z"}]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::api {

// The shared secret of time-limited credentials.
struct SigningKey {
  enum class Phase {
    staged,    // known to relays, not yet issued to clients
    issuing,   // signs what clients get
    retiring,  // no longer issued, still accepted until the longest issued lifetime is over
    removed,   // accepted by no relay any more; kept until each has been seen to refuse it
  };
  std::string id;
  Secret secret;
  Phase phase = Phase::issuing;
  SystemTime created;
  SystemTime since = created;  // when it came into its phase; whole seconds
  bool operator==(const SigningKey&) const = default;
};

// Relays accept all but the removed ones. At most one is issuing; exactly one in a keys.json.
using SigningKeys = std::vector<SigningKey>;

// Null when there is none.
[[nodiscard]] const SigningKey* issuing_key(const SigningKeys& keys);
// Those that relays accept: all but the removed ones.
[[nodiscard]] SigningKeys accepted_keys(const SigningKeys& keys);

[[nodiscard]] Secret render_signing_keys(const SigningKeys& keys);
// Strict: every field there and of its kind (`since` may be left out: then it is `created`), no other fields, ids and
// secrets once, exactly one key issuing. An error says what is wrong without repeating a secret; its advice shows the
// form.
[[nodiscard]] Result<SigningKeys> parse_signing_keys(std::string_view document);

}  // namespace turnkeeper::api
