// How a provider is doing, for metrics and people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct ProviderStatus {
  std::string cluster;
  std::string name;
  std::string_view type;              // "twilio", ...
  bool up = false;                    // it has named relays, and was well when it was last asked
  std::string_view breaker;           // "closed", "open", "half-open"; empty: it is no API
  std::optional<SystemTime> expires;  // of the credential that there is; nothing: there is none, or it never does
  std::uint64_t answered = 0;         // requests since the start
  std::uint64_t failed = 0;
  std::string trouble;  // why it gave no credential when it was asked last; for people
};

}  // namespace turnkeeper::monitor
