#include "operator/controller/kinds.hpp"

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {

const kube::ResourceType turn_clusters{api::group, api::version, api::kind, api::plural};

const std::vector<ChildKind>& child_kinds() {
  static const std::vector<ChildKind> kinds{{kube::config_maps, false},
                                            {kube::secrets, false},
                                            {kube::services, false},
                                            {kube::service_accounts, false},
                                            {kube::stateful_sets, false},
                                            {kube::deployments, false},
                                            {kube::pod_disruption_budgets, false},
                                            {kube::network_policies, false},
                                            {kube::certificates, true},
                                            {kube::dns_endpoints, true}};
  return kinds;
}

const kube::ResourceType* type_of(const std::string& kind) {
  for (const auto& child : child_kinds()) {
    if (child.type.kind == kind) return &child.type;
  }
  return kind == kube::pods.kind ? &kube::pods : nullptr;
}

}  // namespace turnkeeper::op
