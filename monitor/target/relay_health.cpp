#include "monitor/target/relay_health.hpp"

namespace turnkeeper::monitor {

bool differ_in_more_than_numbers(const RelayFacts& a, const RelayFacts& b) {
  const auto lasting = [](const RelayFacts& facts) {
    auto agent = facts.agent;
    if (agent) {
      agent->sessions.reset();
      agent->sent_bytes.reset();
      agent->received_bytes.reset();
      agent->bits_per_second.reset();
    }
    return agent;
  };
  return a.keys != b.keys || a.certificate != b.certificate || lasting(a) != lasting(b);
}

}  // namespace turnkeeper::monitor
