// What must hold for every input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace turnkeeper::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

}  // namespace turnkeeper::fuzz
