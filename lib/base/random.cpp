#include "turnkeeper/base/random.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace turnkeeper {

void fill_random(std::span<std::uint8_t> out) {
  const auto generate = [](std::span<std::uint8_t> to) {
    if (RAND_bytes(to.data(), static_cast<int>(to.size())) != 1) std::abort();
  };
  // The generator's cost is by call rather than by byte: as high as that of a whole STUN request.
  thread_local std::array<std::uint8_t, 1024> supply;
  thread_local std::size_t left = 0;
  if (out.size() > supply.size() / 16) return generate(out);
  if (left < out.size()) {
    generate(supply);
    left = supply.size();
  }
  const auto given = std::span(supply).subspan(left - out.size(), out.size());
  std::copy(given.begin(), given.end(), out.begin());
  std::fill(given.begin(), given.end(), std::uint8_t{0});  // nobody learns later what was given out
  left -= out.size();
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill_random({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

double random_unit() {
  std::uint64_t bits = 0;
  fill_random({reinterpret_cast<std::uint8_t*>(&bits), sizeof bits});
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace turnkeeper
