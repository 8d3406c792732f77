#include "monitor/verdict/lost_together.hpp"

#include <algorithm>

namespace turnkeeper::monitor {

std::optional<SteadyTime> word_ends(const Silences& silences, SteadyTime now, const SilencePolicy& policy) {
  const auto apart = std::chrono::abs(silences.vantage - silences.relay);
  if (apart > policy.together) return std::nullopt;
  const auto silent_since = std::max({silences.vantage, silences.relay, silences.awake.value_or(silences.vantage)});
  const auto ends = silent_since + std::chrono::duration_cast<SteadyTime::duration>(policy.doubt);
  if (ends > now || now - silences.elsewhere <= policy.sighted) return ends;
  return now + std::chrono::duration_cast<SteadyTime::duration>(policy.look_again);
}

}  // namespace turnkeeper::monitor
