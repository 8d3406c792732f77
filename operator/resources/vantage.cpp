#include "operator/resources/vantage.hpp"

#include <algorithm>

#include "operator/resources/names.hpp"
#include "turnkeeper/base/content_hash.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

constexpr int http_port = 8480;
constexpr int unprivileged_user = 65532;
constexpr const char* tls_folder = "/etc/turnkeeper/tls/";
constexpr const char* authorities_file = "authorities.crt";

std::string targets_name(const Vantage& vantage) {
  return vantage.object + "-targets";
}
// Not as the Deployment: a region may have that name, and with it a ServiceAccount of that name.
std::string account_name(const Vantage& vantage) {
  return vantage.object + "-monitor";
}

json vantage_child(const api::TurnCluster& cluster, const Vantage& vantage, const char* api_version, const char* kind,
                   const std::string& name) {
  auto object = child(cluster, nullptr, api_version, kind, name);
  object["metadata"]["labels"]["app.kubernetes.io/name"] = "turnkeeper-monitor";
  object["metadata"]["labels"]["app.kubernetes.io/component"] = "monitor";
  object["metadata"]["labels"][vantage_label] = vantage.object;
  return object;
}

// The pods are not relays: they carry none of the labels by which those are found, counted and kept apart.
json pod_labels(const api::TurnCluster& cluster, const Vantage& vantage) {
  return {{"app.kubernetes.io/name", "turnkeeper-monitor"},
          {"app.kubernetes.io/instance", cluster.name},
          {"app.kubernetes.io/managed-by", "turnkeeper-operator"},
          {"app.kubernetes.io/component", "monitor"},
          {vantage_label, vantage.object},
          {agent_client_label, "true"}};
}

json probe(const char* path, int period_seconds, int failure_threshold) {
  return {{"httpGet", {{"path", path}, {"port", "http"}}},
          {"periodSeconds", period_seconds},
          {"failureThreshold", failure_threshold}};
}

json container(const api::TurnCluster& cluster, const Vantage& vantage, const VantageSettings& settings,
               const std::string& image) {
  json args = {"--operator=" + settings.operator_address,
               "--tls-cert=/etc/turnkeeper/tls/tls.crt",
               "--tls-key=/etc/turnkeeper/tls/tls.key",
               "--tls-ca=/etc/turnkeeper/tls/ca.crt",
               "--snapshot=/etc/turnkeeper/snapshot/targets.json",
               "--listen=*:" + std::to_string(http_port),
               "--cluster=" + cluster_id(cluster),
               "--vantage=" + vantage.name,
               "--log-format=json"};
  if (!settings.exchange_peer.empty()) {
    // It dials the others, who cannot dial it: what is said goes both ways.
    args.push_back("--exchange-listen=127.0.0.1:8481");
    args.push_back("--exchange-peer=" + settings.exchange_peer);
  }
  return {
      {"name", "monitor"},
      {"image", image},
      {"command", {"/usr/bin/turnkeeper-monitor"}},
      {"args", std::move(args)},
      {"ports", {{{"name", "http"}, {"containerPort", http_port}}}},
      {"startupProbe", probe("/healthz", 2, 30)},
      {"livenessProbe", probe("/healthz", 10, 3)},
      {"readinessProbe", probe("/readyz", 2, 3)},
      // No CPU limit: a throttled monitor measures its own throttling.
      {"resources", {{"requests", {{"cpu", "100m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "256Mi"}}}}},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
      {"volumeMounts",
       {{{"name", "tls"}, {"mountPath", "/etc/turnkeeper/tls"}, {"readOnly", true}},
        {{"name", "snapshot"}, {"mountPath", "/etc/turnkeeper/snapshot"}, {"readOnly", true}}}}};
}

}  // namespace

std::vector<Vantage> vantages_of(const api::TurnCluster& cluster) {
  std::vector<Vantage> vantages;
  const auto prefix = cluster_id(cluster) + '/';
  const auto& regions = cluster.spec.regions;
  for (const auto& region : regions) {
    const auto& site = region.kubeconfig.name;
    if (region.vantage.value_or(false)) {
      vantages.push_back({site, &region, region_child_name(cluster, region) + "-vantage", prefix + region.name});
    }
    if (site.empty() || region.vantage.has_value()) continue;
    const bool has_one = std::ranges::any_of(regions, [&](const api::Region& other) {
      return other.kubeconfig.name == site && other.vantage.value_or(false);
    });
    const bool done = std::ranges::any_of(vantages, [&](const Vantage& other) { return other.site == site; });
    if (!has_one && !done) vantages.push_back({site, nullptr, cluster.name + "-vantage", prefix + site});
  }
  return vantages;
}

std::string vantage_tls_name(const Vantage& vantage) {
  return vantage.object + "-tls";
}

json vantage_tls_secret(const api::TurnCluster& cluster, const Vantage& vantage, const VantageSettings& settings,
                        const json& data) {
  auto secret = vantage_child(cluster, vantage, "v1", "Secret", vantage_tls_name(vantage));
  secret["type"] = "kubernetes.io/tls";
  for (const char* key : {"ca.crt", "tls.crt", "tls.key"}) secret["data"][key] = data.value(key, "");
  if (!settings.authorities.empty()) secret["data"][authorities_file] = base64_encode(settings.authorities);
  return secret;
}

json vantage_targets_secret(const api::TurnCluster& cluster, const Vantage& vantage, const Secret& targets) {
  auto secret = vantage_child(cluster, vantage, "v1", "Secret", targets_name(vantage));
  secret["type"] = "Opaque";
  secret["data"] = {{"targets.json", base64_encode(targets.reveal())}};
  return secret;
}

json vantage_service_account(const api::TurnCluster& cluster, const Vantage& vantage) {
  auto account = vantage_child(cluster, vantage, "v1", "ServiceAccount", account_name(vantage));
  account["automountServiceAccountToken"] = false;
  return account;
}

json vantage_deployment(const api::TurnCluster& cluster, const Vantage& vantage, const VantageSettings& settings,
                        const std::string& image) {
  const json selected = {{vantage_label, vantage.object}};
  json pod = {{"serviceAccountName", account_name(vantage)},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"securityContext",
               {{"runAsNonRoot", true},
                {"runAsUser", unprivileged_user},
                {"runAsGroup", unprivileged_user},
                {"fsGroup", unprivileged_user},
                {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
              {"containers", {container(cluster, vantage, settings, image)}},
              {"volumes",
               {{{"name", "tls"}, {"secret", {{"secretName", vantage_tls_name(vantage)}, {"defaultMode", 0440}}}},
                {{"name", "snapshot"}, {"secret", {{"secretName", targets_name(vantage)}, {"defaultMode", 0440}}}}}}};
  if (vantage.region != nullptr) {
    const auto& relay = vantage.region->relay;
    if (!relay.node_selector.empty()) pod["nodeSelector"] = relay.node_selector;
    if (!relay.tolerations_json.empty()) pod["tolerations"] = json::parse(relay.tolerations_json);
  }
  json metadata = {{"labels", pod_labels(cluster, vantage)}};
  if (!settings.authorities.empty()) {
    // OpenSSL's default authorities, read once: a new file needs a new pod.
    pod["containers"][0]["env"] = {{{"name", "SSL_CERT_FILE"}, {"value", std::string(tls_folder) + authorities_file}}};
    metadata["annotations"]["turnkeeper.io/authorities-hash"] = content_hash(settings.authorities);
  }
  auto deployment = vantage_child(cluster, vantage, "apps/v1", "Deployment", vantage.object);
  deployment["spec"] = {{"replicas", 1},
                        // Never two at a time: they would have one name.
                        {"strategy", {{"type", "Recreate"}}},
                        {"selector", {{"matchLabels", selected}}},
                        {"template", {{"metadata", std::move(metadata)}, {"spec", std::move(pod)}}}};
  return deployment;
}

}  // namespace turnkeeper::op
