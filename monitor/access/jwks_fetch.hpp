// A JWKS behind a URL: fetched at once, again as its Cache-Control says (else every ten minutes), and when a token
// names a key that is not in it, at most every 30 seconds. After a failure sooner; what was fetched before stays good.
//
//   JwksFetch fetch("https://login.example.org/.well-known/jwks.json", "", [&](JwkSet keys) { post(io, ...); });
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "monitor/access/jwk_set.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

class JwksFetch {
 public:
  // `on_keys` is called from a thread of this object, and not after the destructor, which waits for at most a second.
  JwksFetch(std::string url, std::string ca_file, std::function<void(JwkSet)> on_keys);
  ~JwksFetch();
  JwksFetch(const JwksFetch&) = delete;
  JwksFetch& operator=(const JwksFetch&) = delete;

  // Somebody misses a key. Thread-safe, returns at once; true: it is being fetched.
  bool want();

 private:
  void run(const std::stop_token& stop);
  // Until when to wait with the next one.
  [[nodiscard]] std::chrono::seconds fetch(const std::stop_token& stop);

  const std::string url_;
  const std::string ca_file_;
  const std::function<void(JwkSet)> on_keys_;
  std::chrono::seconds retry_after_;  // a failure; the thread's
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool busy_ = true;
  bool wanted_ = false;
  SteadyTime wanted_at_;  // the last time that one was heeded
  std::jthread thread_;
};

}  // namespace turnkeeper::monitor
