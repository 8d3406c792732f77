// Randomness for fuzzing: the same in every run, in place of lib/base/random.cpp.
#include "turnkeeper/base/random.hpp"

namespace turnkeeper {

void fill_random(std::span<std::uint8_t> out) {
  static std::uint64_t state = 1;
  for (auto& byte : out) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(state >> 56);
  }
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill_random({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

double random_unit() {
  return 0.5;
}

}  // namespace turnkeeper
