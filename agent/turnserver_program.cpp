#include "agent/turnserver_program.hpp"

#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "agent/file.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::agent {
namespace {

Result<std::string> locate(const std::string& turnserver) {
  if (turnserver.find('/') != std::string::npos) {
    if (access(turnserver.c_str(), X_OK) == 0) return turnserver;
    return fail("there is no program " + turnserver, "name coturn's turnserver with --turnserver");
  }
  const char* path = std::getenv("PATH");
  std::istringstream directories(std::string(path != nullptr ? path : "") +
                                 ":/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + turnserver;
    if (directory.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail("no " + turnserver + " in this image",
              "run the agent in an image that has coturn, such as docker.io/coturn/coturn:4.18.0, or name it with "
              "--turnserver");
}

bool has_file_capabilities(const std::string& path) {
  return getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

}  // namespace

Result<TurnserverProgram> find_turnserver(const std::string& turnserver, const std::string& state_directory) {
  const auto path = locate(turnserver);
  if (!path) return fail(path.error());
  const auto ask = [](const std::string& program) {
    return coturn::detect_version(program, Deadline::after(real_clock(), std::chrono::seconds(10)));
  };
  auto version = ask(*path);
  if (version) return TurnserverProgram{*path, *version};
  if (!has_file_capabilities(*path)) return fail(version.error());

  const std::string copy = state_directory + "/turnserver";
  if (auto copied = copy_file(*path, copy, 0755); !copied) return fail(copied.error());
  version = ask(copy);
  if (!version) return fail(version.error());
  log::info("runs a copy of turnserver without its file capabilities", {{"original", *path}, {"copy", copy}});
  return TurnserverProgram{copy, *version};
}

}  // namespace turnkeeper::agent
