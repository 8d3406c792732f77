// Notices that files change: editors, `mv`, and the symlink swap of a mounted Kubernetes volume alike. Looks every two
// seconds, on a thread of its own, so that a slow disk delays nobody.
//
//   FileWatch watch({"keys"}, [&]() -> std::set<std::string> {
//     boost::asio::post(io, [keys = read_keys("keys")] { use(keys); });
//     return {"keys"};
//   });
//   watch.read_again();             // on SIGHUP: now, changed or not
//
// A file that is still being written is waited for until it rests.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace turnkeeper {

class FileWatch {
 public:
  // Reads the files, on the watch's thread, and says which ones to follow from then on.
  using Read = std::function<std::set<std::string>()>;

  // `files`: those that were read before. `read` is not called after the destructor has begun.
  FileWatch(std::set<std::string> files, Read read, std::chrono::milliseconds interval = std::chrono::seconds(2));
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Thread-safe, returns at once. Many in a row are one.
  void read_again();

 private:
  void run(const std::stop_token& stop);

  const Read read_;
  const std::chrono::milliseconds interval_;
  std::set<std::string> files_;  // the thread's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false;
  std::string seen_;  // fingerprint at the last reading; the thread's
  std::jthread thread_;
};

}  // namespace turnkeeper
