// One HTTP POST to a webhook.
#pragma once

#include <stop_token>
#include <string>

#include "monitor/notify/delivery_queue.hpp"
#include "monitor/notify/payload.hpp"
#include "turnkeeper/base/deadline.hpp"

namespace turnkeeper::monitor {

struct Posted {
  Delivery delivery;
  std::string reason;  // for a person: "403 Forbidden: invalid_token"; never holds the URL; empty when accepted
};

// Reads the receiver's files, connects anew and sends. 2xx is accepted; 408, 425, 429 and 5xx are to be tried again, as
// is silence; any other answer is a refusal. Redirects are not followed: they would carry the secret elsewhere. Blocks
// until `deadline`, or until 2 s after `stop`.
[[nodiscard]] Posted post(const Receiver& receiver, const Payload& payload, Deadline deadline, std::stop_token stop);

}  // namespace turnkeeper::monitor
