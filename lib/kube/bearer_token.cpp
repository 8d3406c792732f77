#include "turnkeeper/kube/bearer_token.hpp"

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::kube {

BearerToken::BearerToken(Secret fixed, std::string file, const Clock& clock)
    : file_(std::move(file)), clock_(clock), token_(std::move(fixed)) {}

Secret BearerToken::current() {
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.steady();
  if (!file_.empty() && (!read_ || now - read_at_ >= std::chrono::minutes(1))) {
    if (auto fresh = Secret::from_file(file_)) {
      token_ = std::move(*fresh);
    } else {
      log::warn("cannot read the token file; the last token stays in use", {{"error", fresh.error().message}});
    }
    read_ = true;
    read_at_ = now;
  }
  return token_;
}

}  // namespace turnkeeper::kube
