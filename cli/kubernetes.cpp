#include "cli/kubernetes.hpp"

#include <nlohmann/json.hpp>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/kube/config.hpp"
#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::cli {
namespace {

const kube::ResourceType turn_clusters{api::group, api::version, api::kind, api::plural};

Deadline soon() {
  return Deadline::after(real_clock(), std::chrono::seconds(15));
}

}  // namespace

void add_kubernetes_options(CLI::App& command, KubernetesOptions& options) {
  command.add_option("-n,--namespace", options.namespace_name,
                     "Its namespace; left out: that of the kubeconfig's context");
  command.add_option("--kubeconfig", options.kubeconfig,
                     "How to reach the API server; left out: KUBECONFIG, else ~/.kube/config");
}

Result<Kubernetes> Kubernetes::connect(const KubernetesOptions& options) {
  const auto config = kube::load_config({.kubeconfig_flag = options.kubeconfig}, kube::Environment::of_process());
  if (!config) return fail(config.error());
  auto transport = kube::connect(*config, real_clock());
  if (!transport) return fail(transport.error());
  std::string space = options.namespace_name;
  if (space.empty()) space = config->namespace_name.empty() ? "default" : config->namespace_name;
  return Kubernetes(kube::Client(std::move(*transport)), std::move(space));
}

Result<nlohmann::json> Kubernetes::turn_cluster(const std::string& name) {
  if (!name.empty()) {
    auto object = client_.get(turn_clusters, {namespace_name_, name}, soon());
    if (object) return std::move(*object);
    if (object.error().kind != kube::ErrorKind::not_found) return fail(turnkeeper::Error(object.error()));
    return fail("there is no TurnCluster " + name + " in the namespace " + namespace_name_,
                "look for it: kubectl get turnclusters --all-namespaces");
  }
  auto all = client_.list(turn_clusters, namespace_name_, {}, soon());
  if (!all) return fail(turnkeeper::Error(all.error()));
  if (all->items.size() == 1) return std::move(all->items.front());
  if (all->items.empty()) {
    return fail("there is no TurnCluster in the namespace " + namespace_name_, "name another one with --namespace");
  }
  std::string names;
  for (const auto& object : all->items) names += (names.empty() ? "" : ", ") + kube::key_of(object).name;
  return fail("there are several TurnClusters in the namespace " + namespace_name_, "name one: " + names);
}

Result<void> Kubernetes::annotate(const nlohmann::json& object, const std::string& annotation,
                                  const std::string& text) {
  const auto key = kube::key_of(object);
  const nlohmann::json patch = {{"apiVersion", turn_clusters.api_version()},
                                {"kind", turn_clusters.kind},
                                {"metadata",
                                 {{"name", key.name},
                                  {"namespace", key.namespace_name},
                                  {"uid", kube::uid_of(object)},
                                  {"annotations", {{annotation, text}}}}}};
  const auto name = annotation.substr(annotation.find('/') + 1);
  const auto applied = client_.apply(turn_clusters, patch, {.field_manager = "turnctl-" + name}, soon());
  if (!applied) return fail(turnkeeper::Error(applied.error()));
  return {};
}

}  // namespace turnkeeper::cli
