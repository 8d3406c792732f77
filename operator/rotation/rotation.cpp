#include "operator/rotation/rotation.hpp"

#include <algorithm>
#include <charconv>

#include "operator/rotation/rotation_words.hpp"

namespace turnkeeper::op {
namespace {

using api::SigningKey;
using api::SigningKeys;
using Phase = SigningKey::Phase;

// Less than this is the difference between two operators' clocks, and no jump.
constexpr std::chrono::minutes jump{1};

SystemTime whole_seconds(SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

// The number in "k12"; 0 for another kind of id.
int number_of(const std::string& id) {
  int number = 0;
  if (id.size() > 1 && id.front() == 'k') std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return number;
}

SigningKey* in_phase(SigningKeys& keys, Phase phase) {
  const auto found = std::ranges::find(keys, phase, &SigningKey::phase);
  return found == keys.end() ? nullptr : &*found;
}

// Each function takes one step if it is due, and says whether it was.
class Steps {
 public:
  Steps(const RotationInput& in, const PhaseSights& sights, Rotation& out)
      : in_(in), sights_(sights), keys_(out.keys), record_(out.record) {}

  bool take_one() {
    return correct_times() || note_ttl() || follow_revoke() || follow_secret() || replace_leaked() || follow_rotate() ||
           issue() || remove() || drop() || stage_by_schedule();
  }

 private:
  // So that the next operator, which must believe what is written, reckons as this one does.
  bool correct_times() {
    bool corrected = false;
    for (auto& key : keys_) {
      const auto by_steady_clock = age_of(key);
      const auto off = (in_.now - key.since) - by_steady_clock;
      if (off < jump && off > -jump) continue;
      key.since = whole_seconds(in_.now - by_steady_clock);
      corrected = true;
    }
    return corrected;
  }

  bool note_ttl() {
    auto& longest = record_.longest_ttl[issuing().id];
    if (longest >= in_.ttl) return false;
    longest = in_.ttl;
    return true;
  }

  bool follow_revoke() {
    if (in_.revoke.empty() || in_.revoke == record_.revoke) return false;
    record_.revoke = record_.request = in_.revoke;
    record_.rotate = in_.rotate;
    record_.revoking = true;
    if (!in_.supplied) {
      abandon_staged();
      stage(in_.new_secret());
    }
    return true;
  }

  bool follow_secret() {
    if (!in_.supplied || !in_.supplied->trouble.empty()) return false;
    const Secret& wanted = in_.supplied->value;
    if (issuing().secret == wanted) {
      if (abandon_staged()) return true;
      if (!record_.revoking || in_phase(keys_, Phase::retiring) == nullptr) return false;
      finish_revoking();
      return true;
    }
    auto known = std::ranges::find(keys_, wanted, &SigningKey::secret);
    if (known != keys_.end() && known->phase == Phase::removed) {
      // Under another id: what was proven of the old one says nothing any more.
      record_.longest_ttl.erase(known->id);
      keys_.erase(known);
      known = keys_.end();
    }
    if (known == keys_.end()) {
      abandon_staged();
      stage(wanted);
      return true;
    }
    if (known->phase == Phase::staged) return false;
    abandon_staged();
    move(*known, Phase::staged);
    return true;
  }

  // The secret was somebody else's when it was revoked, and is not any more.
  bool replace_leaked() {
    if (!record_.revoking || in_.supplied || in_phase(keys_, Phase::staged) != nullptr) return false;
    stage(in_.new_secret());
    return true;
  }

  bool follow_rotate() {
    if (in_.rotate.empty() || in_.rotate == record_.rotate) return false;
    if (!in_.supplied && in_phase(keys_, Phase::staged) == nullptr) {
      if (!has_room()) return false;
      stage(in_.new_secret());
    }
    record_.rotate = record_.request = in_.rotate;
    return true;
  }

  bool issue() {
    auto* staged = in_phase(keys_, Phase::staged);
    if (staged == nullptr || !in_.monitor_heard) return false;
    const auto missing = unproven(in_, staged->id, true);
    if (!missing.relays.empty() || !in_.out_of_reach.empty()) {
      // A relay that does not get its new key must not keep a leaked one alive everywhere. Monitors will move clients
      // away from it.
      const bool late = age_of(*staged) >= proof_patience;
      if (!record_.revoking || !late || missing.reached_none) return false;
    }
    move(issuing(), Phase::retiring);
    move(*staged, Phase::issuing);
    auto& longest = record_.longest_ttl[staged->id];
    longest = std::max(longest, in_.ttl);
    if (record_.revoking) finish_revoking();
    return true;
  }

  bool remove() {
    for (auto& key : keys_) {
      if (key.phase != Phase::retiring || age_of(key) < retirement(in_, key.id)) continue;
      move(key, Phase::removed);
      return true;
    }
    return false;
  }

  bool drop() {
    if (!in_.monitor_heard || !in_.out_of_reach.empty()) return false;
    const auto refused = std::ranges::find_if(keys_, [&](const SigningKey& key) {
      return key.phase == Phase::removed && unproven(in_, key.id, false).relays.empty();
    });
    if (refused == keys_.end()) return false;
    record_.longest_ttl.erase(refused->id);
    keys_.erase(refused);
    return true;
  }

  bool stage_by_schedule() {
    if (in_.every.count() == 0 || in_.supplied || in_phase(keys_, Phase::staged) != nullptr || !has_room())
      return false;
    if (age_of(issuing()) < in_.every) return false;
    stage(in_.new_secret());
    return true;
  }

  SigningKey& issuing() { return *in_phase(keys_, Phase::issuing); }

  void move(SigningKey& key, Phase phase) {
    key.phase = phase;
    key.since = whole_seconds(in_.now);
  }

  void stage(Secret secret) {
    int newest = record_.newest_key;
    for (const auto& key : keys_) newest = std::max(newest, number_of(key.id));
    record_.newest_key = newest + 1;
    const SystemTime now = whole_seconds(in_.now);
    keys_.push_back({.id = "k" + std::to_string(record_.newest_key),
                     .secret = std::move(secret),
                     .phase = Phase::staged,
                     .created = now,
                     .since = now});
  }

  bool abandon_staged() {
    auto* staged = in_phase(keys_, Phase::staged);
    if (staged == nullptr) return false;
    // One that has issued before may have credentials out.
    move(*staged, record_.longest_ttl.contains(staged->id) ? Phase::retiring : Phase::removed);
    return true;
  }

  void finish_revoking() {
    for (auto& key : keys_) {
      if (key.phase == Phase::retiring) move(key, Phase::removed);
    }
    record_.revoking = false;
  }

  bool has_room() const {
    return std::ranges::count_if(keys_, [](const SigningKey& key) { return key.phase != Phase::removed; }) <
           accepted_keys_limit;
  }

  // Before the step is taken.
  [[nodiscard]] SystemTime::duration age_of(const SigningKey& key) const { return age(sights_, key, in_.steady); }

  const RotationInput& in_;
  const PhaseSights& sights_;
  SigningKeys& keys_;
  RotationRecord& record_;
};

}  // namespace

Rotation rotate(const RotationInput& input) {
  Rotation rotation{.keys = input.keys, .record = input.record};
  rotation.sights = see(input.sights, input.keys, input.now, input.steady);
  describe(input, rotation);
  rotation.changed = Steps(input, rotation.sights, rotation).take_one();
  // Both: it is not sure that the step will be written.
  rotation.sights.merge(see({}, rotation.keys, input.now, input.steady));
  return rotation;
}

FirstKeys first_keys(Secret secret, std::chrono::seconds ttl, const std::string& rotate, const std::string& revoke,
                     SystemTime now, const std::string& lost) {
  const SystemTime created = whole_seconds(now);
  const int number = number_of(lost) + 1;
  const auto id = "k" + std::to_string(number);
  return {
      .keys = {{.id = id, .secret = std::move(secret), .phase = Phase::issuing, .created = created, .since = created}},
      .record = {.newest_key = number,
                 .rotate = rotate,
                 .revoke = revoke,
                 .request = revoke.empty() ? rotate : revoke,
                 .longest_ttl = {{id, ttl}}}};
}

}  // namespace turnkeeper::op
