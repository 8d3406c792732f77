// Everything that the operator watches, and which TurnCluster each change concerns. Thread-safe.
//
//   Watches watches(client, clock, [&](const kube::ObjectKey& cluster) { queue.add(cluster); });
//   if (auto synced = watches.wait_until_synced(stop, deadline); !synced) return fail(synced.error());
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <thread>
#include <vector>

#include "operator/plan/relay_pod.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/kube/client.hpp"
#include "turnkeeper/kube/reflector.hpp"

namespace turnkeeper::op {

// TurnClusters in the API.
extern const kube::ResourceType turn_clusters;
// The kinds that the operator makes, and Pods: by the "kind" of an object. Null when it is none of them.
[[nodiscard]] const kube::ResourceType* child_type(const std::string& kind);

class Watches {
 public:
  // `wake` is called on the watches' threads with the TurnCluster that a change concerns. `client` and `clock` must
  // outlive it.
  Watches(kube::Client& client, const Clock& clock, std::function<void(const kube::ObjectKey&)> wake);
  // Stops and waits for the threads.
  ~Watches();
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  // An error when a kind cannot be read at all (not installed, forbidden), or when the deadline comes first.
  [[nodiscard]] Result<> wait_until_synced(std::stop_token stop, Deadline deadline) const;
  [[nodiscard]] bool synced() const;

  [[nodiscard]] const kube::Store& clusters() const { return reflectors_.front()->store(); }
  // The cluster's children of all kinds, or its pods.
  [[nodiscard]] std::vector<nlohmann::json> children(const kube::ObjectKey& cluster) const;
  [[nodiscard]] std::vector<nlohmann::json> pods(const kube::ObjectKey& cluster) const;
  // The resource version in the cache; empty when the object is not there.
  [[nodiscard]] std::string version_of(const std::string& kind, const kube::ObjectKey& key) const;
  [[nodiscard]] NodeAddresses nodes() const;

 private:
  void add(kube::ResourceType type, std::string selector, std::function<void(const kube::Store::Change&)> on_change);
  [[nodiscard]] const kube::Reflector* reflector_of(const std::string& kind) const;

  kube::Client& client_;
  const Clock& clock_;
  const std::function<void(const kube::ObjectKey&)> wake_;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;  // TurnClusters first
  std::vector<std::jthread> threads_;
};

}  // namespace turnkeeper::op
