// The bearer token of each request. Kubernetes rotates service account tokens in place, so a token file is read again
// when what was read is a minute old; a file that cannot be read for a moment leaves the last token in use.
// Thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::kube {

class BearerToken {
 public:
  // `file` wins over `fixed`. Both empty: there is no token.
  BearerToken(Secret fixed, std::string file, const Clock& clock);
  // Empty: send no Authorization header.
  [[nodiscard]] Secret current();

 private:
  const std::string file_;
  const Clock& clock_;
  std::mutex mutex_;
  Secret token_;
  bool read_ = false;
  SteadyTime read_at_;
};

}  // namespace turnkeeper::kube
