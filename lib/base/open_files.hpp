// How many descriptors this process may have open.
#pragma once

#include <cstddef>

namespace turnkeeper {

// Raises the limit as far as the system lets this process, and returns it. Systems start programs with a limit of 1024
// for the sake of select(), which nothing here uses.
std::size_t raise_open_files_limit();

}  // namespace turnkeeper
