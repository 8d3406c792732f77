// A whole file at once.
//
//   auto text = read_file("/etc/turnkeeper/keys");
//   if (!text) return fail(text.error());
#pragma once

#include <cstddef>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

// Empty when the file is. Errors: it is not there, may not be read, is a directory, or is longer than `longest` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t longest = std::size_t{64} << 20);

}  // namespace turnkeeper
