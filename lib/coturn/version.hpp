// Which coturn this is. Its options, defaults and signals changed between 4.5 and 4.18, so everything here that talks
// to one asks first.
//
//   auto version = detect_version("turnserver", Deadline::after(real_clock(), 5s));
//   if (version && can_drain(*version)) ...
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::coturn {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  auto operator<=>(const Version&) const = default;
  [[nodiscard]] std::string text() const;  // "4.6.1"
};

// Reads what `turnserver --version` printed. coturn 4.5 does not know that option and prints its usage instead: it
// counts as 4.5.0, the oldest that is supported. Anything but 4.5 and later 4.x is an error with advice.
[[nodiscard]] Result<Version> parse_version(std::string_view output);

// Runs `turnserver --version`; `turnserver` is a path or a name in PATH. Needs no shell.
[[nodiscard]] Result<Version> detect_version(const std::string& turnserver, Deadline deadline);

// No newer than the newest that this was tried with. A newer 4.x gets the words of that one: what it does not know of
// them it says in its log.
[[nodiscard]] bool is_known(Version version);

// SIGUSR1 refuses new allocations and ends the process after the last one. Before 4.6.3 it kills the process at once.
[[nodiscard]] bool can_drain(Version version);

}  // namespace turnkeeper::coturn
