// The signing keys of `turnctl up`, and their rotation (operator/rotation/rotation.hpp): by itself after
// credentials.rotation.every, or when somebody asks. Two files in the state directory, mode 0600: keys.json, and
// rotation.json with what the rotation must remember, which is written first, so that a request that was followed is
// never followed as a lesser one.
//
//   auto keys = LocalKeys::open(state, cluster->spec.credentials);
//   keys->ask(LocalKeys::Request::rotate);
//   while (*keys->step(serving)) { ...give keys->keys() to relays and monitor }
//
// Thread-safe: no. The clock outlives it.
#pragma once

#include <string>
#include <vector>

#include "cli/state_directory.hpp"
#include "operator/rotation/rotation.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::cli {

class LocalKeys {
 public:
  // Made at the first call for a directory, and read ever after: credentials that clients hold outlive a restart. A
  // file that cannot be read is an error and is left alone.
  [[nodiscard]] static Result<LocalKeys> open(const StateDirectory& state, const api::Credentials& policy,
                                              const Clock& clock = real_clock());

  [[nodiscard]] const api::SigningKeys& keys() const { return keys_; }
  // What the rotation does, or waits for, as of the last step.
  [[nodiscard]] const op::Rotation& rotation() const { return rotation_; }

  enum class Request {
    rotate,  // a new key; nobody is cut off
    revoke,  // ... and the old ones go as soon as relays have it, with every credential that they signed
  };
  void ask(Request request);

  // Takes the step that is due, if one is. True: keys() are others now, and on disk. An error: it could not be written,
  // and nothing has changed.
  [[nodiscard]] Result<bool> step(std::vector<op::RotationRelay> serving);

 private:
  LocalKeys(std::string directory, api::Credentials policy, const Clock& clock)
      : directory_(std::move(directory)), policy_(std::move(policy)), clock_(&clock) {}
  [[nodiscard]] Result<void> write(const api::SigningKeys& keys, const op::RotationRecord& record) const;

  std::string directory_;
  api::Credentials policy_;
  const Clock* clock_;
  api::SigningKeys keys_;
  op::RotationRecord record_;
  std::string rotate_;  // the newest requests, whether followed or not
  std::string revoke_;
  op::Rotation rotation_;
};

}  // namespace turnkeeper::cli
