#include "operator/resources/children.hpp"
#include "operator/resources/content_hash.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// What the pod's end costs beyond the drain: coturn 4.18 takes about 4 s to stop.
constexpr std::chrono::seconds stop_grace{30};
constexpr int unprivileged_user = 65532;

json security_context(json capabilities) {
  return {
      {"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", std::move(capabilities)}};
}

json http_probe(const char* path, int period_seconds, int failure_threshold) {
  return {{"httpGet", {{"path", path}, {"port", api::bounds::agent_port}}},
          {"periodSeconds", period_seconds},
          {"timeoutSeconds", 2},
          {"failureThreshold", failure_threshold}};
}

json mount(const char* name, const char* path, bool read_only = false) {
  json mount = {{"name", name}, {"mountPath", path}};
  if (read_only) mount["readOnly"] = true;
  return mount;
}

json init_container(const std::string& agent_image) {
  return {{"name", "agent"},
          {"image", agent_image},
          {"command", {"/usr/bin/turnkeeper-agent", "install", "/turnkeeper/turnkeeper-agent"}},
          {"securityContext", security_context({{"drop", {"ALL"}}})},
          {"volumeMounts", {mount("turnkeeper", "/turnkeeper")}}};
}

json container_ports(const api::RelaySpec& relay) {
  // On the node's own network these reserve the node's ports with the scheduler, against other TurnClusters too.
  auto ports = json::array();
  for (const auto transport : relay.transports) {
    ports.push_back({{"name", transport == api::Transport::udp ? "turn-udp" : "turn-tcp"},
                     {"protocol", api::transport_name(transport)},
                     {"containerPort", relay.ports.turn}});
  }
  ports.push_back({{"name", "agent"}, {"protocol", "TCP"}, {"containerPort", api::bounds::agent_port}});
  return ports;
}

json relay_container(const api::RelaySpec& relay) {
  json container = {
      {"name", "relay"},
      {"image", relay.image},
      {"command", {"/turnkeeper/turnkeeper-agent", "run"}},
      {"args",
       {"--config=/etc/turnkeeper/relay/relay.json", "--keys=/etc/turnkeeper/keys/keys.json",
        "--state=/var/lib/turnkeeper", "--address=$(POD_IP)",
        "--listen=0.0.0.0:" + std::to_string(api::bounds::agent_port)}},
      {"env", {{{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}}}},
      {"ports", container_ports(relay)},
      {"startupProbe", http_probe("/readyz", 2, 60)},
      {"readinessProbe", http_probe("/readyz", 2, 3)},
      {"livenessProbe", http_probe("/healthz", 10, 3)},
      // The upstream image gives turnserver the file capability NET_BIND_SERVICE; without it in the bounding set,
      // execve(2) refuses to start it. The process does not get it: privileges cannot be gained here.
      {"securityContext", security_context({{"drop", {"ALL"}}, {"add", {"NET_BIND_SERVICE"}}})},
      {"volumeMounts",
       {mount("turnkeeper", "/turnkeeper", true), mount("state", "/var/lib/turnkeeper"), mount("tmp", "/tmp"),
        mount("relay", "/etc/turnkeeper/relay", true), mount("keys", "/etc/turnkeeper/keys", true)}}};
  if (!relay.resources_json.empty()) container["resources"] = json::parse(relay.resources_json);
  return container;
}

json volumes(const api::TurnCluster& cluster, const api::Region& region) {
  return {{{"name", "turnkeeper"}, {"emptyDir", json::object()}},
          // In memory: the database in it holds the signing keys.
          {{"name", "state"}, {"emptyDir", {{"medium", "Memory"}}}},
          {{"name", "tmp"}, {"emptyDir", json::object()}},
          {{"name", "relay"}, {"configMap", {{"name", region_child_name(cluster, region)}}}},
          {{"name", "keys"}, {"secret", {{"secretName", signing_keys_name(cluster)}, {"defaultMode", 0440}}}}};
}

json affinity(const api::TurnCluster& cluster, api::Exposure exposure) {
  const json term = {{"labelSelector", {{"matchLabels", {{cluster_label, cluster.name}}}}},
                     {"topologyKey", "kubernetes.io/hostname"}};
  if (exposure == api::Exposure::host_network) {
    return {{"podAntiAffinity", {{"requiredDuringSchedulingIgnoredDuringExecution", {term}}}}};
  }
  return {{"podAntiAffinity",
           {{"preferredDuringSchedulingIgnoredDuringExecution", {{{"weight", 100}, {"podAffinityTerm", term}}}}}}};
}

json pod_spec(const api::TurnCluster& cluster, const api::Region& region, const std::string& agent_image) {
  const auto& relay = region.relay;
  json spec = {{"automountServiceAccountToken", false},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", (relay.drain_timeout + stop_grace).count()},
               {"securityContext",
                {{"runAsNonRoot", true},
                 {"runAsUser", unprivileged_user},
                 {"runAsGroup", unprivileged_user},
                 {"fsGroup", unprivileged_user},
                 {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
               {"affinity", affinity(cluster, relay.exposure)},
               {"initContainers", {init_container(agent_image)}},
               {"containers", {relay_container(relay)}},
               {"volumes", volumes(cluster, region)}};
  if (relay.exposure == api::Exposure::host_network) {
    spec["hostNetwork"] = true;
    spec["dnsPolicy"] = "ClusterFirstWithHostNet";
  }
  if (!relay.node_selector.empty()) spec["nodeSelector"] = relay.node_selector;
  if (!relay.tolerations_json.empty()) spec["tolerations"] = json::parse(relay.tolerations_json);
  if (!relay.priority_class_name.empty()) spec["priorityClassName"] = relay.priority_class_name;
  return spec;
}

}  // namespace

json stateful_set(const api::TurnCluster& cluster, const api::Region& region, const std::string& agent_image) {
  json annotations = region.relay.annotations;
  annotations[config_hash_annotation] = content_hash(relay_document(cluster, region));
  auto set = child(cluster, &region, "apps/v1", "StatefulSet", region_child_name(cluster, region));
  set["spec"] = {{"replicas", region.relay.replicas},
                 {"serviceName", region_child_name(cluster, region)},
                 {"podManagementPolicy", "Parallel"},
                 {"updateStrategy", {{"type", "OnDelete"}}},
                 {"selector", selector(cluster, region)},
                 {"template",
                  {{"metadata", {{"labels", labels(cluster, &region)}, {"annotations", std::move(annotations)}}},
                   {"spec", pod_spec(cluster, region, agent_image)}}}};
  return set;
}

}  // namespace turnkeeper::op
