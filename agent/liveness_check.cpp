#include "agent/liveness_check.hpp"

namespace turnkeeper::agent {

LivenessCheck::LivenessCheck(boost::asio::io_context& io, CoturnRun& coturn, turn::Endpoint relay,
                             std::chrono::seconds timeout)
    : coturn_(coturn),
      between_(std::chrono::milliseconds(timeout) / 3),
      timer_(io),
      readiness_(io, real_clock(), std::move(relay), std::chrono::milliseconds(timeout) / 6),
      liveness_(timeout) {}

void LivenessCheck::begin() {
  timer_.expires_after(between_);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled || ended_) return;
    if (!coturn_.process()) return begin();
    readiness_.check([this](const Readiness::Outcome& outcome) {
      liveness_.saw(outcome.answered, real_clock().steady());
      if (outcome.ready) coturn_.works();
      begin();
    });
  });
}

void LivenessCheck::note_starts() {
  const auto pid = coturn_.pid();
  if (pid == noted_) return;
  noted_ = pid;
  if (pid && !ended_) {
    liveness_.started(real_clock().steady());
  } else {
    liveness_.stopped();
  }
}

void LivenessCheck::end() {
  ended_ = true;
  liveness_.stopped();
}

Result<> LivenessCheck::alive() const {
  return liveness_.alive(real_clock().steady());
}

}  // namespace turnkeeper::agent
