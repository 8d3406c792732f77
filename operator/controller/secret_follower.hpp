// Follows one Secret that somebody else keeps: by its name, since it does not carry our label, and alone, so that no
// other Secret of the cluster is ever held here. Thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "turnkeeper/kube/client.hpp"
#include "turnkeeper/kube/reflector.hpp"

namespace turnkeeper::op {

class SecretFollower {
 public:
  // `on_change` is called on the follower's thread. `client` and `clock` must outlive it.
  SecretFollower(kube::Client& client, const Clock& clock, const kube::ObjectKey& secret,
                 std::function<void()> on_change);
  ~SecretFollower();

  struct Seen {
    bool known = false;      // false: not read yet
    kube::ObjectPtr secret;  // null: there is none
    std::optional<kube::Error> trouble;
  };
  [[nodiscard]] Seen look() const;
  // Waits until it was read, for at most so long.
  [[nodiscard]] Seen look(std::chrono::milliseconds at_most) const;

 private:
  const kube::ObjectKey secret_;
  kube::Reflector reflector_;
  std::jthread thread_;
};

}  // namespace turnkeeper::op
