// The rotation of a cluster's signing keys: which step comes next, and what it waits for. Pure.
//
//   const Rotation rotation = op::rotate({.keys = keys, .record = record, ...});
//   if (rotation.changed) ...write rotation.keys and rotation.record into their Secret, only over the version that was
//                         read; publish them to monitors when that has succeeded
//   sights = rotation.sights;   // kept in memory for the next pass
//
//   a new key is Staged        -> every serving relay is proven to accept it (a real allocation by a monitor)
//   it is Issuing, the old one
//   Retiring                   -> the longest life of a credential made with the old one is over
//   the old one is Removed     -> every serving relay is proven to refuse it
//   the old one is gone
//
// One step at a time, each a single write; everything that matters lies in the Secret, so an operator may die after any
// of them, or stay away for a month, and the next one goes on. What cannot be proven waits and is said.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/rotation/phase_ages.hpp"
#include "operator/rotation/rotation_record.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::op {

// Beyond a credential's life before its key is removed: for clocks that differ, and for a monitor that hears late that
// another key issues.
inline constexpr std::chrono::minutes removal_margin{5};
// A kubelet needs up to a minute and a half to show a changed Secret to a pod. Longer than this is worth an alert.
inline constexpr std::chrono::minutes proof_patience{3};
// Keys that relays accept at one time; a rotation that would make it more waits.
inline constexpr int accepted_keys_limit = 6;

// A relay that clients are on or may be sent to. Others need no proof: before they serve, they are proven with the
// issuing key.
struct RotationRelay {
  std::string name;                     // "eu-west-0"
  std::map<std::string, bool> accepts;  // key id -> what the newest proof says; left out: never tried
  // Ids of the keys that its agent gave it; unset: not known. Only for words: what counts is an allocation.
  std::optional<std::vector<std::string>> has;
};

// Somebody else's shared secret, which the issuing key must be.
struct SuppliedSecret {
  std::string where;    // "Secret turn-secret, entry value"
  Secret value;         // empty with a trouble
  std::string trouble;  // why it cannot be used: "it is not there"; empty: it can
};

struct RotationInput {
  api::SigningKeys keys;  // as in the Secret: exactly one of them issuing
  RotationRecord record;
  std::chrono::seconds ttl{};
  std::chrono::seconds every{};  // 0: never by itself
  std::string rotate;            // the annotations' texts; empty: none. Each new text is one request
  std::string revoke;
  std::optional<SuppliedSecret> supplied;  // then the keys' secrets come from there, and from nowhere else
  bool monitor_heard = false;
  std::vector<RotationRelay> relays;
  std::vector<std::string>
      out_of_reach;  // "region us: ...": where relays may serve that the operator cannot give a key
  SystemTime now;
  SteadyTime steady;
  PhaseSights sights;  // of the last pass
  std::function<Secret()> new_secret;
};

struct Rotation {
  api::SigningKeys keys;
  RotationRecord record;
  bool changed = false;  // they differ from the input's: a step was taken
  PhaseSights sights;

  // What follows describes the input, not the step.
  //   Idle            one key
  //   Staging         a new key is on its way to the relays
  //   Proving         each relay is being tried with it
  //   WaitingOutTtl   it issues; the old one is accepted until its last credential has expired
  //   Removing        the old one is being taken from the relays
  //   ProvingRefusal  each relay is being tried with it
  std::string phase;
  std::string current_key;  // id of the one that issues
  std::optional<SystemTime> next_rotation;
  std::string request;  // the last one that was followed
  // The condition CredentialsCurrent. False: somebody must look.
  bool current = true;
  std::string reason;
  std::string message;
  std::optional<std::chrono::seconds> look_again;  // something is due then
};

[[nodiscard]] Rotation rotate(const RotationInput& input);

// What a new cluster begins with, or one whose keys are lost: `lost` is the id of the last key that issued, which is
// not used again. A request that is on it already is fulfilled by that.
struct FirstKeys {
  api::SigningKeys keys;
  RotationRecord record;
};
[[nodiscard]] FirstKeys first_keys(Secret secret, std::chrono::seconds ttl, const std::string& rotate,
                                   const std::string& revoke, SystemTime now, const std::string& lost = {});

}  // namespace turnkeeper::op
