// Leader election by a Lease, with Kubernetes' usual times: a lease is valid for 15 s, its holder gives up when it
// could not renew for 10 s, everyone tries every 2 s. What others wrote is timed by this process's own steady clock
// from the moment it was seen to change, so no clocks are compared. Not fencing: what was sent before a lease was lost
// may arrive after it, so what two processes write must stay right. Client::Options::may_write keeps the rest back.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::kube {

class LeaderElection {
 public:
  struct Options {
    ObjectKey lease;
    std::string identity;  // unique for each process
    std::chrono::seconds lease_duration{15};
    std::chrono::seconds renew_deadline{10};
    std::chrono::seconds retry_period{2};
  };
  enum class State { waiting, leading, lost };

  // `client` must not end with the stop that ends run(), or the lease cannot be released. Both outlive it.
  LeaderElection(Client& client, Options options, const Clock& clock);

  // One try to acquire or renew. `lost` is final.
  State step();
  // Gives the lease back when held, so that another process need not wait for its end.
  void release();

  // Blocks: waits for the lease, calls `lead` on a thread of its own, renews. Returns true when stop ended it (the
  // lease is released after `lead` returned), false when the lease was lost: then `lead` was asked to stop, and the
  // process should exit.
  bool run(std::stop_token stop, const std::function<void(std::stop_token)>& lead);

  // For health checks: not leading, or renewed within the lease's duration.
  [[nodiscard]] bool healthy() const;
  [[nodiscard]] bool leading() const;
  [[nodiscard]] const std::string& identity() const { return options_.identity; }

 private:
  Result<> acquire_or_renew();
  [[nodiscard]] nlohmann::json lease_object(const nlohmann::json* previous) const;
  void observe(const nlohmann::json& lease);

  Client& client_;
  const Options options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  State state_ = State::waiting;
  SteadyTime renewed_at_;
  std::optional<nlohmann::json> observed_;  // the Lease as last seen
  SteadyTime observed_at_;                  // when its holder or its renew time last changed
};

}  // namespace turnkeeper::kube
