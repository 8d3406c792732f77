#include "agent/install.hpp"

#include "agent/file.hpp"

namespace turnkeeper::agent {

Result<> install(const std::string& path) {
  auto copied = copy_file("/proc/self/exe", path, 0755);
  if (!copied) return fail(copied.error().message, "its directory must exist and be writable");
  return {};
}

}  // namespace turnkeeper::agent
