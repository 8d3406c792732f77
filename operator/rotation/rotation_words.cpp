#include "operator/rotation/rotation_words.hpp"

#include <algorithm>

namespace turnkeeper::op {
namespace {

using api::SigningKey;
using Phase = SigningKey::Phase;
using std::chrono::ceil;
using std::chrono::seconds;

const SigningKey* in_phase(const api::SigningKeys& keys, Phase phase) {
  const auto found = std::ranges::find(keys, phase, &SigningKey::phase);
  return found == keys.end() ? nullptr : &*found;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

bool agent_agrees(const RotationRelay& relay, const std::string& key, bool accepted) {
  return !relay.has || (std::ranges::find(*relay.has, key) != relay.has->end()) == accepted;
}

bool agents_agree(const RotationInput& in, const std::string& key, bool accepted) {
  return std::ranges::all_of(in.relays, [&](const auto& relay) { return agent_agrees(relay, key, accepted); });
}

// Why the step that needs this answer from every relay is not taken yet. Empty: it can be.
struct Obstacle {
  std::string reason;
  std::string words;
};

Obstacle obstacle(const RotationInput& in, const std::string& key, bool accepted) {
  if (!in.monitor_heard) return {"MonitorNotHeard", "no monitor is heard, so nothing can be proven"};
  if (!in.out_of_reach.empty()) return {"RelaysOutOfReach", joined(in.out_of_reach)};
  const auto missing = unproven(in, key, accepted);
  if (missing.relays.empty()) return {};
  return {accepted ? "RelayNotProven" : "KeyNotRefused", "waits for " + joined(missing.relays)};
}

class Words {
 public:
  Words(const RotationInput& in, Rotation& out) : in_(in), out_(out) {}

  void fill() {
    const auto& issuing = *in_phase(in_.keys, Phase::issuing);
    out_.current_key = issuing.id;
    out_.request = in_.record.request;
    const auto* staged = in_phase(in_.keys, Phase::staged);
    const auto* removed = in_phase(in_.keys, Phase::removed);
    if (in_.every.count() > 0 && !in_.supplied && staged == nullptr) {
      out_.next_rotation = issuing.since + in_.every;
      due_in(in_.every - age_of(issuing));
    }
    if (staged != nullptr) {
      out_.phase = agents_agree(in_, staged->id, true) ? "Proving" : "Staging";
      proof_of(*staged, true, "key " + staged->id + " is to be proven on every relay before it is issued");
    } else if (removed != nullptr) {
      out_.phase = agents_agree(in_, removed->id, false) ? "ProvingRefusal" : "Removing";
      proof_of(*removed, false, "key " + removed->id + " is removed and to be refused by every relay");
    }
    retiring();
    if (out_.phase.empty()) idle(issuing);
    secret_of_others(issuing);
  }

 private:
  [[nodiscard]] SystemTime::duration age_of(const SigningKey& key) const { return age(out_.sights, key, in_.steady); }

  void due_in(SystemTime::duration left) {
    const auto wait = std::max(ceil<seconds>(left), seconds(1));
    if (!out_.look_again || wait < *out_.look_again) out_.look_again = wait;
  }

  void say(bool current, std::string reason, std::string message) {
    out_.current = current;
    out_.reason = std::move(reason);
    out_.message = std::move(message);
  }

  void proof_of(const SigningKey& key, bool accepted, const std::string& what) {
    const auto [reason, words] = obstacle(in_, key.id, accepted);
    const auto left = proof_patience - age_of(key);
    if (words.empty()) {
      say(true, "Rotating", what + ": done");
    } else if (left > left.zero()) {
      say(true, "Rotating", what + ": " + words);
      due_in(left);
    } else {
      say(false, reason, what + ": " + words + "; nothing is cut, and the rotation goes on when this is put right");
    }
  }

  void retiring() {
    for (const auto& key : in_.keys) {
      if (key.phase != Phase::retiring) continue;
      const auto stays = retirement(in_, key.id);
      // A minute at most: a jump of the wall clock is nothing that wakes.
      due_in(std::min<SystemTime::duration>(stays - age_of(key), std::chrono::minutes(1)));
      if (!out_.phase.empty()) continue;
      out_.phase = "WaitingOutTtl";
      std::string message = "key " + key.id + " is accepted until " + rfc3339(key.since + stays) +
                            ", when the last credential made with it has expired";
      if (!in_.rotate.empty() && in_.rotate != in_.record.rotate)
        message += "; the rotation asked for begins after that";
      say(true, "Rotating", message);
    }
  }

  void idle(const SigningKey& issuing) {
    out_.phase = "Idle";
    say(true, "Current", "key " + issuing.id + " signs all credentials and is the only one that relays accept");
  }

  void secret_of_others(const SigningKey& issuing) {
    if (!in_.supplied) return;
    const auto& [where, value, trouble] = *in_.supplied;
    if (!trouble.empty()) {
      say(false, "SecretUnusable", where + ": " + trouble + "; key " + issuing.id + " goes on");
    } else if (in_.record.revoking && issuing.secret == value) {
      say(false, "WaitingForSecret",
          where +
              " still has the value that was revoked: write a new one there, and the old one is removed as soon as " +
              "relays have it");
    }
  }

  const RotationInput& in_;
  Rotation& out_;
};

}  // namespace

void describe(const RotationInput& input, Rotation& rotation) {
  Words(input, rotation).fill();
}

Unproven unproven(const RotationInput& input, const std::string& key, bool accepted) {
  Unproven result;
  for (const auto& relay : input.relays) {
    const auto proof = relay.accepts.find(key);
    const bool tried = proof != relay.accepts.end();
    if (tried && proof->second == accepted) {
      result.reached_none = false;
    } else if (!agent_agrees(relay, key, accepted)) {
      result.relays.push_back(relay.name +
                              (accepted ? " (its agent does not have it yet)" : " (its agent still has it)"));
    } else if (!tried) {
      result.relays.push_back(relay.name + " (no monitor has tried it)");
    } else {
      result.relays.push_back(relay.name + (accepted ? " (refuses it)" : " (accepts it)"));
    }
  }
  return result;
}

seconds retirement(const RotationInput& input, const std::string& key) {
  const auto longest = input.record.longest_ttl.find(key);
  // Not recorded: made by a version that did not, or by hand.
  const auto ttl = longest == input.record.longest_ttl.end() ? input.ttl : longest->second;
  return ttl + removal_margin;
}

}  // namespace turnkeeper::op
