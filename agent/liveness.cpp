#include "agent/liveness.hpp"

#include <string>

namespace turnkeeper::agent {
namespace {

constexpr int least_checks = 3;

}  // namespace

void Liveness::started(SteadyTime now) {
  counts_ = true;
  unanswered_ = 0;
  silent_since_ = now;
}

void Liveness::stopped() {
  counts_ = false;
}

void Liveness::saw(bool answered, SteadyTime now) {
  if (answered) {
    unanswered_ = 0;
  } else if (unanswered_++ == 0) {
    silent_since_ = now;
  }
}

Result<> Liveness::alive(SteadyTime now) const {
  if (!counts_ || unanswered_ < least_checks || now - silent_since_ < patience_) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - silent_since_).count();
  return fail("coturn runs but has answered no Allocate for " + std::to_string(seconds) + " s",
              "it has to be started again");
}

}  // namespace turnkeeper::agent
