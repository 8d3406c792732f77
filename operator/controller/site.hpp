// One Kubernetes cluster where relays run: what is there, as its watches know it. Thread-safe.
//
//   Site home("", client, clock, {.child = [&](const kube::ObjectKey& cluster) { queue.add(cluster); }, ...});
//   if (auto synced = home.wait_until_synced(stop, deadline); !synced) return fail(synced.error());
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/controller/sight.hpp"
#include "operator/plan/placed.hpp"
#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/kube/client.hpp"
#include "turnkeeper/kube/reflector.hpp"

namespace turnkeeper::op {

class Site {
 public:
  // Called on the watches' threads.
  struct Listeners {
    std::function<void(const kube::ObjectKey& cluster)> child;  // a child of that TurnCluster changed
    std::function<void(const kube::ObjectKey& cluster)> pod;    // one of its pods did
    std::function<void()> nodes;                                // a node did, in what is planned by
  };
  // `name`: "" for the cluster that the TurnClusters are in. Watches children in one namespace, or in all when it is
  // empty. `client` and `clock` must outlive it.
  Site(std::string name, kube::Client& client, const Clock& clock, const std::string& namespace_name,
       Listeners listeners);
  // Stops and waits for the threads; at once when the client's requests are cancelled before.
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] kube::Client& client() const { return client_; }

  [[nodiscard]] bool synced() const;
  // Why not, or why the view may be old by now; nothing when all is well.
  [[nodiscard]] std::optional<kube::Error> trouble() const;
  [[nodiscard]] kube::Result<> wait_until_synced(std::stop_token stop, Deadline deadline) const;

  // The TurnCluster's children of all kinds, or its pods.
  [[nodiscard]] std::vector<Placed> children(const kube::ObjectKey& cluster) const;
  [[nodiscard]] std::vector<Placed> pods(const kube::ObjectKey& cluster) const;
  [[nodiscard]] std::map<std::string, NodeFacts> nodes() const;
  // The resource version in the cache; empty when the object is not there.
  [[nodiscard]] std::string version_of(const std::string& kind, const kube::ObjectKey& key) const;
  // The TurnCluster's children and pods, and what is planned by of the nodes.
  [[nodiscard]] Sight sight(const kube::ObjectKey& cluster) const;

 private:
  void watch(kube::Reflector::Options options);
  void node_changed(const kube::ObjectKey& node);
  [[nodiscard]] const kube::Reflector* reflector_of(const std::string& kind) const;
  void append(const std::string& kind, const kube::ObjectKey& cluster, std::vector<Placed>& out) const;

  const std::string name_;
  kube::Client& client_;
  const Clock& clock_;
  const Listeners listeners_;
  mutable std::mutex nodes_mutex_;
  std::map<std::string, NodeFacts> nodes_;
  std::uint64_t nodes_revision_ = 0;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;
  std::vector<std::jthread> threads_;
};

}  // namespace turnkeeper::op
