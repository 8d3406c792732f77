// TurnClusters in Kubernetes, for the commands that read and change them there.
//
//   auto kubernetes = Kubernetes::connect({.kubeconfig = flag});
//   auto object = kubernetes->turn_cluster("calls");
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::cli {

struct KubernetesOptions {
  std::string kubeconfig;      // empty: KUBECONFIG, the pod's service account, ~/.kube/config
  std::string namespace_name;  // empty: that of the kubeconfig's context, else "default"
};

void add_kubernetes_options(CLI::App& command, KubernetesOptions& options);

class Kubernetes {
 public:
  [[nodiscard]] static Result<Kubernetes> connect(const KubernetesOptions& options);

  // The one of that name, or the only one when the name is empty.
  [[nodiscard]] Result<nlohmann::json> turn_cluster(const std::string& name);
  // Sets one annotation; each is owned by itself, so that setting another leaves it alone.
  [[nodiscard]] Result<void> annotate(const nlohmann::json& object, const std::string& annotation,
                                      const std::string& text);

 private:
  Kubernetes(kube::Client client, std::string namespace_name)
      : client_(std::move(client)), namespace_name_(std::move(namespace_name)) {}
  kube::Client client_;
  std::string namespace_name_;
};

}  // namespace turnkeeper::cli
