#include "cli/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace turnkeeper::cli {
namespace {

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error) return fail("cannot make " + path + ": " + error.message(), "name another directory with --state-dir");
  return {};
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  if (auto made = make_directory(path); !made) return fail(made.error());
  std::error_code error;
  const std::string whole = std::filesystem::absolute(path, error).lexically_normal().string();
  const std::string lock_path = whole + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return fail("cannot open " + lock_path + ": " + std::strerror(errno));
  StateDirectory directory(whole, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return fail("another `turnctl up` runs with the state directory " + whole,
                "stop it first, or name another directory with --state-dir");
  }
  return directory;
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateDirectory::~StateDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::string> StateDirectory::relay_directory(const std::string& relay) const {
  const std::string path = path_ + "/" + relay;
  if (auto made = make_directory(path); !made) return fail(made.error());
  return path;
}

std::string state_home() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/turnkeeper";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.local/state/turnkeeper";
  }
  return {};
}

Result<void> write_private_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const auto failed = [&] {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return fail("cannot write " + path + ": " + std::strerror(reason));
  };
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  const bool durable = done == text.size() && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!durable || ::rename(temporary.c_str(), path.c_str()) != 0) return failed();
  return {};
}

}  // namespace turnkeeper::cli
