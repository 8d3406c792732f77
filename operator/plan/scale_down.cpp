#include "operator/plan/scale_down.hpp"

#include <algorithm>

#include "operator/plan/drain.hpp"
#include "operator/plan/roll.hpp"

namespace turnkeeper::op {
namespace {

// Probes are sessions too. A relay that has fewer by no more than they make is not emptier.
constexpr int sessions_of_probes = 5;

// In the order in which relays are given up.
enum class Use { absent, drained, broken, moving, working };

Use use_of(const RelayPod* pod, const ClusterHealth& health) {
  if (pod == nullptr || pod->deleting || !pod->running) return Use::absent;
  if (pod->draining) return Use::drained;
  if (!works(*pod, health)) return Use::broken;
  return pod->cordoned ? Use::moving : Use::working;
}

// Were its clients not moved away. What is seen of a marked relay no verdict says, but its gate stays as it was.
bool would_serve(const RelayPod& pod, const ClusterHealth& health) {
  return works(pod, health) || (pod.draining && pod.running && pod.proof == Proof::proven);
}

const RelayPod* find(const ScaleDownInput& in, int ordinal) {
  const auto found = std::ranges::find_if(
      in.pods, [&](const RelayPod& pod) { return pod.region == in.region.name && pod.ordinal == ordinal; });
  return found == in.pods.end() ? nullptr : &*found;
}

std::optional<int> sessions_of(const RelayPod& pod, const ClusterHealth& health) {
  const auto facts = health.facts.find(pod.relay);
  if (facts == health.facts.end() || !facts->second.agent) return std::nullopt;
  return facts->second.agent->sessions;
}

bool lowest_goes(const ScaleDownInput& in, const Ordinals& range) {
  const int highest = range.after_last() - 1;
  const auto& fixed = in.region.relay.public_address.fixed;
  const bool has_no_address = !fixed.empty() && static_cast<std::size_t>(highest) >= fixed.size();
  if (!in.may_start_higher || has_no_address) return false;
  const auto* low = find(in, range.start);
  const auto* high = find(in, highest);
  const auto use_of_low = use_of(low, in.health);
  const auto use_of_high = use_of(high, in.health);
  if (use_of_low != use_of_high) return use_of_low < use_of_high;
  if (use_of_low < Use::moving) return false;
  const auto sessions_of_low = sessions_of(*low, in.health);
  const auto sessions_of_high = sessions_of(*high, in.health);
  return sessions_of_low && sessions_of_high && *sessions_of_low + sessions_of_probes < *sessions_of_high;
}

bool lowest_comes_back(const ScaleDownInput& in, const Ordinals& range) {
  const auto still_ends = [&](int ordinal) {
    const auto* pod = find(in, ordinal);
    return pod != nullptr && pod->deleting;
  };
  return range.start > 0 && (!still_ends(range.start - 1) || still_ends(range.after_last()));
}

Ordinals ordinals_in_the_end(const ScaleDownInput& in) {
  if (!in.live) return {.start = 0, .count = in.wanted};
  auto range = *in.live;
  for (; range.count > in.wanted; --range.count) {
    if (lowest_goes(in, range)) ++range.start;
  }
  for (; range.count < in.wanted; ++range.count) {
    if (lowest_comes_back(in, range)) --range.start;
  }
  if (!in.may_start_higher) range.start = 0;
  // Fixed addresses were taken out of the list.
  const auto fixed = static_cast<int>(in.region.relay.public_address.fixed.size());
  if (fixed > 0) range.start = std::min(range.start, std::max(0, fixed - range.count));
  return range;
}

}  // namespace

ScaleDown scale_down(const ScaleDownInput& in) {
  const auto wanted = ordinals_in_the_end(in);
  ScaleDown result{.wanted = wanted, .ordinals = wanted, .leaving = {}, .look_again = std::nullopt};
  if (!in.live || wanted.contains(*in.live)) return result;
  std::vector<const RelayPod*> leaving;
  bool leaver_works = false;
  bool another_serves = false;
  for (const auto& pod : in.pods) {
    if (pod.region != in.region.name) continue;
    if (wanted.contains(pod.ordinal)) {
      another_serves = another_serves || serves(pod, in.health);
    } else if (!pod.deleting) {
      leaver_works = leaver_works || would_serve(pod, in.health);
      leaving.push_back(&pod);
    }
  }
  const auto until_moved = spanning(*in.live, wanted);
  if (leaver_works && !another_serves) {
    result.ordinals = until_moved;
    return result;
  }
  result.leaving = leaving;
  const bool moved =
      std::ranges::all_of(leaving, [&](const auto* pod) { return clients_moved(*pod, in.reports, in.now); });
  if (moved) return result;
  result.ordinals = until_moved;
  for (const auto* pod : leaving) {
    const auto next = next_look_at(*pod, in.reports, in.now);
    if (next && (!result.look_again || *next < *result.look_again)) result.look_again = next;
  }
  return result;
}

}  // namespace turnkeeper::op
