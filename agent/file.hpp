// Small files, whole.
#pragma once

#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

[[nodiscard]] Result<std::string> read_file(const std::string& path);
// Replaces the file in one step, so that nobody reads half of it.
[[nodiscard]] Result<> write_file(const std::string& path, const std::string& text, unsigned mode);
// The same with the contents of another file.
[[nodiscard]] Result<> copy_file(const std::string& from, const std::string& to, unsigned mode);
// Writes into the file as it is, for one that somebody else made and holds on to. Nothing happens when there is none.
void overwrite_if_there(const std::string& path, const std::string& text);

}  // namespace turnkeeper::agent
