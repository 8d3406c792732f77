#include "turnkeeper/api/relay_facts.hpp"

namespace turnkeeper::api {

RelayFacts without_numbers(RelayFacts facts) {
  for (auto& [key, proof] : facts.keys) proof.at = {};
  if (!facts.agent) return facts;
  facts.agent->sessions.reset();
  facts.agent->sent_bytes.reset();
  facts.agent->received_bytes.reset();
  facts.agent->bits_per_second.reset();
  return facts;
}

}  // namespace turnkeeper::api
