#include "turnkeeper/base/file_watch.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <utility>

namespace turnkeeper {
namespace {

constexpr auto rest = std::chrono::milliseconds(100);
constexpr int longest_rests = 20;

// Changes whenever one of the files does, or what a symlink on its path leads to.
std::string fingerprint(const std::set<std::string>& files) {
  std::string text;
  for (const auto& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) {
      for (const auto part :
           {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
            static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
            static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
        text += std::to_string(part) + ' ';
      }
    }
    text += '\n';
  }
  return text;
}

}  // namespace

FileWatch::FileWatch(std::set<std::string> files, Read read, std::chrono::milliseconds interval)
    : read_(std::move(read)),
      interval_(interval),
      files_(std::move(files)),
      seen_(fingerprint(files_)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

FileWatch::~FileWatch() {
  thread_.request_stop();
  thread_.join();
}

void FileWatch::read_again() {
  const std::lock_guard lock(mutex_);
  wanted_ = true;
  wake_.notify_all();
}

void FileWatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, stop, interval_, [&] { return wanted_; });
    if (stop.stop_requested()) return;
    const bool wanted = std::exchange(wanted_, false);
    std::string now = fingerprint(files_);
    if (!wanted && now == seen_) continue;
    for (int rests = 0; rests < longest_rests; ++rests) {
      wake_.wait_for(lock, stop, rest, [] { return false; });
      if (stop.stop_requested()) return;
      if (const auto later = fingerprint(files_); std::exchange(now, later) == later) break;
    }
    // What asked for a reading until here gets this one.
    wanted_ = false;
    lock.unlock();
    auto files = read_();
    // A change of the same files during the reading is seen the next time; what is new among them was read just now.
    seen_ = files == files_ ? now : fingerprint(files);
    files_ = std::move(files);
    lock.lock();
    if (stop.stop_requested()) return;
  }
}

}  // namespace turnkeeper
