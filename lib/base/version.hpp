#pragma once

#include <string_view>

namespace turnkeeper {

// The product's version, from the file VERSION at the root of the tree.
[[nodiscard]] std::string_view version();

}  // namespace turnkeeper
