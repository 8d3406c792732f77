#include "turnkeeper/base/read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace turnkeeper {
namespace {

constexpr std::size_t step = 4096;

class Open {
 public:
  explicit Open(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Open() {
    if (fd_ >= 0) ::close(fd_);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t longest) {
  const auto failed = [&] {
    return fail("cannot read " + path + ": " + std::strerror(errno),
                "check that it exists and that this user may read it");
  };
  const Open file(path);
  if (file.fd() < 0) return failed();
  std::string text;
  // In one piece where the length is known, so that a secret leaves no copies behind as the text grows.
  struct stat status {};
  if (::fstat(file.fd(), &status) == 0 && status.st_size > 0 && static_cast<std::size_t>(status.st_size) <= longest) {
    text.reserve(static_cast<std::size_t>(status.st_size) + step);
  }
  while (true) {
    const auto size = text.size();
    text.resize(size + step);
    const auto count = ::read(file.fd(), text.data() + size, step);
    text.resize(size + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == 0) return text;
    if (count < 0 && errno != EINTR) return failed();
    if (text.size() > longest) return fail(path + " is longer than " + std::to_string(longest) + " bytes");
  }
}

}  // namespace turnkeeper
