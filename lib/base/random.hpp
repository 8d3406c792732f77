// Randomness fit for keys and transaction ids, from OpenSSL. Thread-safe; not for use between fork() and exec().
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace turnkeeper {

// Ends the process if the system has no randomness to give: nothing here may go on with predictable keys.
void fill_random(std::span<std::uint8_t> out);
[[nodiscard]] std::string random_bytes(std::size_t count);
// Uniform in [0, 1): for jitter.
[[nodiscard]] double random_unit();

}  // namespace turnkeeper
