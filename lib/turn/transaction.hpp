// One STUN request on its way: the bytes, and when to send them again (RFC 8489 section 6.2.1).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn {

// With the defaults a request goes out at 0, 500, 1500, 3500, 7500, 15500, 31500 ms and fails at 39500 ms.
struct Retransmission {
  std::chrono::milliseconds rto{500};  // the first interval; doubles each time
  int max_requests = 7;                // Rc, at least 1
  int last_wait = 16;                  // Rm, in units of rto: how long after the last request to give up

  // The same time in all, for a transport that delivers by itself: one request (section 6.2.2, Ti = 39.5 s).
  [[nodiscard]] Retransmission sent_once() const {
    return {.rto = rto * ((1 << (max_requests - 1)) - 1 + last_wait), .max_requests = 1, .last_wait = 1};
  }
};

class Transaction {
 public:
  Transaction(const Retransmission& policy, const TransactionId& id, std::vector<std::uint8_t> request, SteadyTime now)
      : policy_(policy), id_(id), request_(std::move(request)), next_(now) {}

  [[nodiscard]] const TransactionId& id() const { return id_; }
  [[nodiscard]] Bytes request() const { return request_; }
  // When to call on_time() next.
  [[nodiscard]] SteadyTime next() const { return next_; }

  enum class Due { nothing, send, failed };
  // Call until it answers nothing: send the request, or give it up.
  [[nodiscard]] Due on_time(SteadyTime now) {
    if (now < next_) return Due::nothing;
    if (sent_ >= policy_.max_requests) return Due::failed;
    ++sent_;
    // From now rather than from next_: a caller that slept must not send the missed ones in a burst.
    next_ = now + (sent_ == policy_.max_requests ? policy_.rto * policy_.last_wait : policy_.rto * (1 << (sent_ - 1)));
    return Due::send;
  }

 private:
  Retransmission policy_;
  TransactionId id_;
  std::vector<std::uint8_t> request_;
  SteadyTime next_;
  int sent_ = 0;
};

}  // namespace turnkeeper::turn
