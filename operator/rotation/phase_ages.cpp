#include "operator/rotation/phase_ages.hpp"

#include <algorithm>

namespace turnkeeper::op {

PhaseSights see(const PhaseSights& before, const api::SigningKeys& keys, SystemTime now, SteadyTime steady) {
  PhaseSights sights;
  for (const auto& key : keys) {
    const auto known = before.find(phase_of(key));
    sights[phase_of(key)] =
        known != before.end()
            ? known->second
            : PhaseSight{.age = std::max(now - key.since, SystemTime::duration::zero()), .at = steady};
  }
  return sights;
}

SystemTime::duration age(const PhaseSights& sights, const api::SigningKey& key, SteadyTime steady) {
  const auto& sight = sights.at(phase_of(key));
  return sight.age + std::chrono::duration_cast<SystemTime::duration>(steady - sight.at);
}

}  // namespace turnkeeper::op
