#include "turnkeeper/base/version.hpp"

namespace turnkeeper {

std::string_view version() {
  return TURNKEEPER_VERSION;
}

}  // namespace turnkeeper
