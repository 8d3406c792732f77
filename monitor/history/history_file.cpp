#include "monitor/history/history_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/read_file.hpp"

namespace turnkeeper::monitor {
namespace {

Error system_error(const std::string& what, const std::string& path) {
  return {"cannot " + what + " " + path + ": " + std::strerror(errno),
          "name a file in a directory that the monitor may write to"};
}

// The old contents or the new, also after a power cut.
Result<> replace(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return fail(system_error("write", temporary));
  std::size_t written = 0;
  while (written < text.size()) {
    const auto count = ::write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      auto error = system_error("write", temporary);
      ::close(file);
      return fail(std::move(error));
    }
    written += static_cast<std::size_t>(count);
  }
  if (fsync(file) != 0) {
    auto error = system_error("write", temporary);
    ::close(file);
    return fail(std::move(error));
  }
  ::close(file);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return fail(system_error("replace", path));
  return {};
}

}  // namespace

Result<std::unique_ptr<HistoryFile>> HistoryFile::open(std::string path, History& history) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    const auto saved = read_file(path);
    if (!saved) return fail(saved.error());
    if (auto restored = history.restore(*saved); !restored) {
      const std::string kept = path + ".damaged";
      if (std::rename(path.c_str(), kept.c_str()) != 0) return fail(system_error("move", path));
      log::warn("the history cannot be read, so it begins anew",
                {{"file", path}, {"reason", restored.error().text()}, {"kept_as", kept}});
    }
  }
  if (auto written = replace(path, history.save()); !written) return fail(written.error());
  return std::unique_ptr<HistoryFile>(new HistoryFile(std::move(path)));
}

HistoryFile::HistoryFile(std::string path)
    : path_(std::move(path)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

HistoryFile::~HistoryFile() = default;  // the thread ends once nothing is left to write

void HistoryFile::write(std::string saved) {
  {
    const std::scoped_lock lock(mutex_);
    next_ = std::move(saved);
  }
  changed_.notify_one();
}

void HistoryFile::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return next_.has_value(); })) {
    const std::string text = *std::exchange(next_, std::nullopt);
    lock.unlock();
    if (auto written = replace(path_, text); !written) {
      log::warn("the history is not saved", {{"reason", written.error().text()}});
    }
    lock.lock();
  }
}

}  // namespace turnkeeper::monitor
