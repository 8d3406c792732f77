#include "operator/resources/children.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/ordinals.hpp"
#include "operator/resources/transport_port.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/base/content_hash.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// What the pod's end may cost beyond the drain.
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
    const auto port = transport_port(transport, relay.ports);
    ports.push_back({{"name", port.name}, {"protocol", port.protocol}, {"containerPort", port.number}});
  }
  ports.push_back({{"name", "agent"}, {"protocol", "TCP"}, {"containerPort", api::bounds::agent_port}});
  return ports;
}

json environment(const char* name, const char* field) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", field}}}}}};
}

json relay_container(const api::TurnCluster& cluster, const api::RelaySpec& relay) {
  // The upstream image gives turnserver the file capability NET_BIND_SERVICE; without it in the bounding set, execve(2)
  // refuses to start it. The process does not get it, as privileges cannot be gained here...
  auto security = security_context({{"drop", {"ALL"}}, {"add", {"NET_BIND_SERVICE"}}});
  // ...but on the node's own network, where nothing else lets it listen below 1024.
  if (relay.exposure == api::Exposure::host_network && has_privileged_port(relay)) {
    security["allowPrivilegeEscalation"] = true;
  }
  json container = {
      {"name", "relay"},
      {"image", relay.image},
      {"command", {"/turnkeeper/turnkeeper-agent", "run"}},
      {"args",
       {"--config=/etc/turnkeeper/relay/relay.json", "--addresses=/etc/turnkeeper/relay/addresses.json",
        "--keys=/etc/turnkeeper/keys/keys.json", "--state=/var/lib/turnkeeper", "--address=$(POD_IPS)",
        "--node=$(NODE_NAME)", "--pod=$(POD_NAME)", "--listen=*:" + std::to_string(api::bounds::agent_port),
        "--drain-timeout=" + std::to_string(relay.drain_timeout.count()) + "s"}},
      {"env",
       {environment("POD_IPS", "status.podIPs"), environment("NODE_NAME", "spec.nodeName"),
        environment("POD_NAME", "metadata.name")}},
      {"ports", container_ports(relay)},
      // A load balancer may need minutes to get its address, and an issuer to give a certificate.
      {"startupProbe", http_probe("/readyz", 2, waits_for_address(relay) || offers_tls(relay) ? 300 : 60)},
      {"readinessProbe", http_probe("/readyz", 2, 3)},
      // A crash loop's reason is in the last lines that it logged: the status tells it.
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"livenessProbe", http_probe("/healthz", 10, 3)},
      {"securityContext", std::move(security)},
      {"volumeMounts",
       {mount("turnkeeper", "/turnkeeper", true), mount("state", "/var/lib/turnkeeper"), mount("tmp", "/tmp"),
        mount("relay", "/etc/turnkeeper/relay", true), mount("keys", "/etc/turnkeeper/keys", true)}}};
  // The kernel counts for a whole network namespace.
  if (relay.exposure != api::Exposure::host_network) container["args"].push_back("--count-bytes");
  if (cluster.spec.tls) {
    container["args"].push_back("--tls=/etc/turnkeeper/tls");
    container["volumeMounts"].push_back(mount("tls", "/etc/turnkeeper/tls", true));
  }
  if (!relay.resources_json.empty()) container["resources"] = json::parse(relay.resources_json);
  return container;
}

json volumes(const api::TurnCluster& cluster, const api::Region& region) {
  json volumes = {{{"name", "turnkeeper"}, {"emptyDir", json::object()}},
                  // In memory: the database in it holds the signing keys.
                  {{"name", "state"}, {"emptyDir", {{"medium", "Memory"}}}},
                  {{"name", "tmp"}, {"emptyDir", json::object()}},
                  {{"name", "relay"}, {"configMap", {{"name", region_child_name(cluster, region)}}}},
                  {{"name", "keys"}, {"secret", {{"secretName", signing_keys_name(cluster)}, {"defaultMode", 0440}}}}};
  if (cluster.spec.tls) {
    // Optional: what a relay waits for, its agent can tell better than a pod that does not start.
    volumes.push_back({{"name", "tls"},
                       {"secret",
                        {{"secretName", tls_secret_name(cluster, region.kubeconfig.name)},
                         {"defaultMode", 0440},
                         {"optional", true}}}});
  }
  return volumes;
}

json affinity(const api::TurnCluster& cluster, const api::RelaySpec& relay) {
  json affinity = json::object();
  if (relay.exposure == api::Exposure::host_network) {
    affinity = {{"podAntiAffinity",
                 {{"requiredDuringSchedulingIgnoredDuringExecution",
                   {{{"labelSelector", {{"matchLabels", {{cluster_label, cluster.name}}}}},
                     {"topologyKey", "kubernetes.io/hostname"}}}}}}};
  }
  if (!relay.affinity_json.empty()) affinity.merge_patch(json::parse(relay.affinity_json));
  return affinity;
}

// Over zones, and over nodes where anti-affinity does not do it. Wishes only: a relay beside another is better than
// none.
json topology_spread(const api::TurnCluster& cluster, const api::Region& region) {
  auto constraints = json::array();
  const auto spread_over = [&](const char* topology) {
    constraints.push_back({{"maxSkew", 1},
                           {"topologyKey", topology},
                           {"whenUnsatisfiable", "ScheduleAnyway"},
                           {"labelSelector", selector(cluster, region)}});
  };
  spread_over("topology.kubernetes.io/zone");
  if (region.relay.exposure != api::Exposure::host_network) spread_over("kubernetes.io/hostname");
  return constraints;
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
               {"serviceAccountName", region_child_name(cluster, region)},
               // What monitors found, not only the agent: Services and budgets go by it too.
               {"readinessGates", {{{"conditionType", proven_condition}}}},
               {"topologySpreadConstraints", topology_spread(cluster, region)},
               {"initContainers", {init_container(agent_image)}},
               {"containers", {relay_container(cluster, relay)}},
               {"volumes", volumes(cluster, region)}};
  if (relay.exposure == api::Exposure::host_network) {
    spec["hostNetwork"] = true;
    spec["dnsPolicy"] = "ClusterFirstWithHostNet";
  } else if (has_privileged_port(relay)) {
    spec["securityContext"]["sysctls"] = {{{"name", "net.ipv4.ip_unprivileged_port_start"}, {"value", "0"}}};
  }
  if (auto rules = affinity(cluster, relay); !rules.empty()) spec["affinity"] = std::move(rules);
  if (!relay.node_selector.empty()) spec["nodeSelector"] = relay.node_selector;
  if (!relay.tolerations_json.empty()) spec["tolerations"] = json::parse(relay.tolerations_json);
  if (!relay.priority_class_name.empty()) spec["priorityClassName"] = relay.priority_class_name;
  return spec;
}

}  // namespace

json service_account(const api::TurnCluster& cluster, const api::Region& region) {
  auto account = child(cluster, &region, "v1", "ServiceAccount", region_child_name(cluster, region));
  account["automountServiceAccountToken"] = false;
  return account;
}

json stateful_set(const api::TurnCluster& cluster, const api::Region& region, const std::string& agent_image) {
  json annotations = region.relay.annotations;
  annotations[exposure_annotation] = api::exposure_name(region.relay.exposure);
  annotations[config_hash_annotation] = content_hash(relay_document(cluster, region));
  auto set = child(cluster, &region, "apps/v1", "StatefulSet", region_child_name(cluster, region));
  const auto ordinals = ordinals_of(region);
  set["spec"] = {{"replicas", ordinals.count},
                 {"serviceName", region_child_name(cluster, region)},
                 {"podManagementPolicy", "Parallel"},
                 {"updateStrategy", {{"type", "OnDelete"}}},
                 {"selector", selector(cluster, region)},
                 {"template",
                  {{"metadata", {{"labels", labels(cluster, &region)}, {"annotations", std::move(annotations)}}},
                   {"spec", pod_spec(cluster, region, agent_image)}}}};
  // Kubernetes before 1.26 refuses what has it.
  if (ordinals.start > 0) set["spec"]["ordinals"] = {{"start", ordinals.start}};
  return set;
}

}  // namespace turnkeeper::op
