// Keeps a History on disk, so that a restart of the monitor does not erase it. Writing happens on a thread of its own:
// a slow disk delays no echo.
//
//   auto file = HistoryFile::open("/var/lib/turnkeeper/history.json", history);   // reads it, if it is there
//   if (!file) return fail(file.error());
//   (*file)->write(history.save());        // each minute, and at stop
//
// Replaced atomically. A file that cannot be understood is kept beside the new one with ".damaged" added to its name,
// which is logged.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "monitor/history/history.hpp"

namespace turnkeeper::monitor {

class HistoryFile {
 public:
  // Errors: the directory cannot be written to. A missing or damaged file is no error.
  [[nodiscard]] static Result<std::unique_ptr<HistoryFile>> open(std::string path, History& history);
  // Waits until what was given last is on the disk.
  ~HistoryFile();
  HistoryFile(const HistoryFile&) = delete;
  HistoryFile& operator=(const HistoryFile&) = delete;

  // Returns at once. Given more while the disk is busy, only the newest is written. A failure is logged.
  void write(std::string saved);

 private:
  explicit HistoryFile(std::string path);
  void run(const std::stop_token& stop);

  const std::string path_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<std::string> next_;
  std::jthread thread_;
};

}  // namespace turnkeeper::monitor
