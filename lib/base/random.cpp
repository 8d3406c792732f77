#include "turnkeeper/base/random.hpp"

#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>

namespace turnkeeper {

void fill_random(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
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
