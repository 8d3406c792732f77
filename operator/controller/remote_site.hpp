// Another Kubernetes cluster, reached by the kubeconfig in a Secret. It comes and goes without anybody waiting for it:
// one thread of its own follows the Secret, connects, and asks every few seconds whether the API server is still there.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "operator/controller/secret_follower.hpp"
#include "operator/controller/site.hpp"

namespace turnkeeper::op {

class RemoteSite {
 public:
  struct Listeners {
    std::function<void(const kube::ObjectKey& cluster)> child;
    std::function<void(const kube::ObjectKey& cluster)> pod;
    std::function<void()> all;  // something that concerns every TurnCluster with relays there: reachable or not, nodes
  };
  // Children there are watched in the Secret's namespace alone. `options`: of its client. `home` and `clock` must
  // outlive it.
  RemoteSite(kube::Client& home, const Clock& clock, const kube::ObjectKey& secret, kube::Client::Options options,
             Listeners listeners);
  ~RemoteSite();

  struct View {
    std::shared_ptr<const Site> site;  // as last seen; null when it never was
    std::string unreachable;           // why nothing is heard of it; empty: all is well
    kube::Release release;             // as last told
  };
  // What `unreachable` says until something is known: no news for anybody.
  static constexpr const char* not_asked_yet = "it was not asked yet";
  [[nodiscard]] View look() const;

  // The Secret's entry that holds the kubeconfig; until told, "kubeconfig". A Secret with a single entry needs none.
  void read_entry(const std::string& entry);
  // A request found nobody there: nothing more is planned for this site until it answers again.
  void failed(const kube::Error& error);

 private:
  // Ends with its own stop: so a change of the kubeconfig ends what ran with the old one.
  struct Connection {
    std::stop_source stop;
    std::unique_ptr<kube::Client> client;
    std::unique_ptr<Site> site;
    kube::Release release;  // under mutex_ once it is connection_
    ~Connection() { stop.request_stop(); }
  };

  void run(std::stop_token stop);
  void step(const std::stop_token& stop);
  [[nodiscard]] Result<std::string> kubeconfig() const;
  [[nodiscard]] Result<std::shared_ptr<Connection>> connect(const std::string& kubeconfig, const std::stop_token& stop);
  void check(Connection& connection);
  void tell(const std::string& trouble);

  kube::Client& home_;
  const Clock& clock_;
  const kube::ObjectKey secret_;
  const kube::Client::Options options_;
  const Listeners listeners_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool look_now_ = false;
  std::string entry_ = "kubeconfig";
  std::shared_ptr<Connection> connection_;
  std::string connected_with_;  // a fingerprint of the kubeconfig
  std::string trouble_ = not_asked_yet;
  int misses_ = 0;

  SecretFollower follower_;
  std::jthread thread_;
};

}  // namespace turnkeeper::op
