#include "agent/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>

namespace turnkeeper::agent {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> file_error(const char* what, const std::string& path) {
  const int reason = errno;
  return fail(std::string("cannot ") + what + " " + path + ": " + std::strerror(reason));
}

// Gives each block of the file to `use` until that returns false; false on an error, with errno.
bool each_block(int fd, const std::function<bool(const char*, std::size_t)>& use) {
  std::array<char, 65536> block{};
  while (true) {
    const ssize_t got = read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (!use(block.data(), static_cast<std::size_t>(got))) return false;
  }
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t wrote = write(fd, data, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    data += wrote;
    size -= static_cast<std::size_t>(wrote);
  }
  return true;
}

Result<> replace_file(const std::string& path, unsigned mode, const std::function<bool(int fd)>& fill) {
  const std::string draft = path + ".tmp";
  const auto give_up = [&](const char* what) {
    const auto error = file_error(what, path);
    unlink(draft.c_str());
    return error;
  };
  {
    const Descriptor out(open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (out < 0) return file_error("create", path);
    if (!fill(out)) return give_up("write");
    if (fchmod(out, mode) != 0) return give_up("set the mode of");  // whatever the umask
  }
  if (rename(draft.c_str(), path.c_str()) != 0) return give_up("replace");
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const Descriptor in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  const auto append = [&](const char* data, std::size_t size) {
    text.append(data, size);
    return true;
  };
  if (in < 0 || !each_block(in, append)) return file_error("read", path);
  return text;
}

Result<> write_file(const std::string& path, const std::string& text, unsigned mode) {
  return replace_file(path, mode, [&](int fd) { return write_all(fd, text.data(), text.size()); });
}

Result<> copy_file(const std::string& from, const std::string& to, unsigned mode) {
  const Descriptor in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (in < 0) return file_error("read", from);
  return replace_file(to, mode, [&](int fd) {
    return each_block(in, [&](const char* data, std::size_t size) { return write_all(fd, data, size); });
  });
}

void overwrite_if_there(const std::string& path, const std::string& text) {
  const Descriptor out(open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (out >= 0) write_all(out, text.data(), text.size());
}

}  // namespace turnkeeper::agent
