// Everything that the operator watches, and which TurnCluster each change concerns. Thread-safe.
//
//   Watches watches(client, clock, {.observer = observer}, [&](const kube::ObjectKey& cluster, bool) {
//   queue.add(cluster); }); if (auto synced = watches.wait_until_synced(stop, deadline); !synced) return
//   fail(synced.error()); Observed observed = watches.observe(cluster, object);
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "operator/controller/in_use.hpp"
#include "operator/controller/remote_site.hpp"
#include "operator/controller/secret_follower.hpp"
#include "operator/controller/site.hpp"
#include "operator/plan/plan.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/kube/client.hpp"
#include "turnkeeper/kube/reflector.hpp"

namespace turnkeeper::op {

class Watches {
 public:
  // `wake` is called on the watches' threads with the TurnCluster that a change concerns, and whether it can wait a
  // little for more: our own writes come back as changes, several at once. `remote`: of the clients of
  // other clusters. `client` and `clock` must outlive it.
  Watches(kube::Client& client, const Clock& clock, kube::Client::Options remote,
          std::function<void(const kube::ObjectKey&, bool can_wait)> wake);
  // Stops and waits for the threads.
  ~Watches();
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  // Of this cluster; others are not waited for. An error when a kind cannot be read at all (not installed, forbidden),
  // or when the deadline comes first.
  [[nodiscard]] kube::Result<> wait_until_synced(std::stop_token stop, Deadline deadline) const;

  [[nodiscard]] const kube::Store& clusters() const { return clusters_.store(); }
  // What is known about a TurnCluster: `object` as read, `cluster` as parsed from it. From now on the Secrets and sites
  // that it names are followed. All but the monitors' reports.
  [[nodiscard]] Observed observe(const api::TurnCluster& cluster, const nlohmann::json& object);
  // From now on the certificates of vantages are made from this Secret: Observed::vantage_tls of TurnClusters that have
  // some. Before observe() is called.
  void certify_vantages_by(kube::ObjectKey secret) { vantage_tls_ = std::move(secret); }
  // The TurnCluster's resource version in the cache; empty when it is not there.
  [[nodiscard]] std::string version_of(const kube::ObjectKey& cluster) const;
  // What of it is in the caches of this cluster now, its own object included.
  [[nodiscard]] Sight sight(const kube::ObjectKey& cluster) const;
  // The TurnCluster is gone.
  void forget(const kube::ObjectKey& cluster);

  // Where relays run; null when it is not (yet) connected. "" is always there.
  [[nodiscard]] std::shared_ptr<const Site> site(const std::string& namespace_name, const std::string& name) const;
  // A request to that site failed.
  void failed(const std::string& namespace_name, const std::string& name, const kube::Error& error);

 private:
  const Clock& clock_;
  const std::function<void(const kube::ObjectKey&, bool can_wait)> wake_;
  kube::Reflector clusters_;
  std::shared_ptr<Site> home_;
  std::optional<kube::ObjectKey> vantage_tls_;
  InUse<SecretFollower> secrets_;
  InUse<RemoteSite> sites_;
  std::jthread thread_;
};

}  // namespace turnkeeper::op
