#include "operator/plan/wanted.hpp"

#include <google/protobuf/util/json_util.h>

#include <map>

#include "operator/plan/relay_address.hpp"
#include "operator/plan/targets.hpp"
#include "operator/resources/children.hpp"
#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/ordinals.hpp"
#include "operator/resources/vantage.hpp"
#include "turnkeeper/kube/json_text.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;

const std::map<std::string, NodeFacts>& nodes_at(const Nodes& nodes, const std::string& site) {
  static const std::map<std::string, NodeFacts> none;
  const auto found = nodes.find(site);
  return found == nodes.end() ? none : found->second;
}

json fingerprinted(json object) {
  const auto fingerprint = kube::json_fingerprint(object);
  object["metadata"]["annotations"][applied_hash_annotation] = std::to_string(fingerprint);
  return object;
}

// A relay that was scaled away, or that was made when the spec asked for another exposure, carries its last calls
// through its Service: that goes after the pod.
std::vector<json> relay_services(const api::TurnCluster& cluster, const api::Region& region,
                                 const std::vector<RelayPod>& pods) {
  std::map<int, api::Exposure> exposures;
  if (has_relay_services(region.relay.exposure)) {
    for (const int ordinal : ordinals_of(region)) exposures[ordinal] = region.relay.exposure;
  }
  for (const auto& pod : pods) {
    if (pod.region == region.name && has_relay_services(pod.exposure)) exposures[pod.ordinal] = pod.exposure;
  }
  std::vector<json> services;
  for (const auto& [ordinal, exposure] : exposures) {
    auto as_made = region;
    as_made.relay.exposure = exposure;
    services.push_back(relay_service(cluster, as_made, ordinal));
  }
  return services;
}

// A child as it stands, or null.
const json& live_child(const Observed& observed, const std::string& site, const char* kind, const std::string& name) {
  static const json none;
  for (const auto& child : observed.children) {
    if (child.site == site && child.object.value("kind", "") == kind &&
        child.object.at("metadata").value("name", "") == name) {
      return child.object;
    }
  }
  return none;
}

std::vector<json> region_children(const Wanted& in, const api::Region& region) {
  const auto& cluster = in.cluster;
  auto addresses =
      public_addresses(cluster, region, in.pods, nodes_at(in.observed.nodes, site_of(region)), in.observed.children);
  addresses.bits_per_second_per_session = in.bits_per_second_per_session;
  std::vector<json> children;
  children.push_back(config_map(cluster, region, addresses));
  children.push_back(service_account(cluster, region));
  children.push_back(network_policy(cluster, region));
  children.push_back(service(cluster, region));
  children.push_back(disruption_budget(cluster, region));
  for (auto& service : relay_services(cluster, region, in.pods)) children.push_back(std::move(service));
  auto set = stateful_set(cluster, region, in.settings.agent_image);
  // Somebody else may have said it: what another manager owns stays when it is left out.
  const auto& there = live_child(in.observed, site_of(region), "StatefulSet", region_child_name(cluster, region));
  if (there.contains("/spec/ordinals"_json_pointer)) set["spec"]["ordinals"]["start"] = region.relay.first_ordinal;
  children.push_back(std::move(set));
  return children;
}

// The relays' certificate at another site. While it cannot be read here, what is there stays.
json tls_copy(const Wanted& in, const std::string& site) {
  const auto source = in.observed.secrets.find(tls_secret_name(in.cluster, ""));
  if (source == in.observed.secrets.end() || !source->second.contains("data")) {
    return live_child(in.observed, site, "Secret", tls_secret_name(in.cluster, site));
  }
  return tls_secret_copy(in.cluster, site, source->second);
}

Secret targets_document(const Wanted& in) {
  v1::TargetSet targets;
  *targets.add_clusters() = cluster_targets(in.cluster, in.pods, in.keys, in.observed.secrets);
  std::string text;
  // A message made here always has a JSON form.
  (void)google::protobuf::util::MessageToJsonString(targets, &text);
  return Secret(std::move(text));
}

json vantage_certificate(const Wanted& in, const Vantage& vantage) {
  const auto& source = in.observed.vantage_tls;
  if (!source.is_object() || !source.contains("data")) return nullptr;
  return in.settings.vantage_certificate(source, vantage.name,
                                         live_child(in.observed, vantage.site, "Secret", vantage_tls_name(vantage)));
}

// While its certificate or the keys cannot be read, a vantage stays as it is.
std::vector<json> vantage_children(const Wanted& in, const Vantage& vantage) {
  const auto certificate = vantage_certificate(in, vantage);
  if (!certificate.is_object() || in.keys.empty()) {
    std::vector<json> there;
    const auto label = json::json_pointer("/metadata/labels") / vantage_label;
    for (const auto& [site, object] : in.observed.children) {
      if (site == vantage.site && object.contains(label) && object.at(label) == vantage.object) there.push_back(object);
    }
    return there;
  }
  return {fingerprinted(vantage_tls_secret(in.cluster, vantage, *in.settings.vantage, certificate)),
          fingerprinted(vantage_targets_secret(in.cluster, vantage, targets_document(in))),
          fingerprinted(vantage_service_account(in.cluster, vantage)),
          fingerprinted(vantage_deployment(in.cluster, vantage, *in.settings.vantage, in.settings.agent_image))};
}

json dns_endpoint(const Wanted& in) {
  std::vector<NamedRelay> relays;
  for (const auto& region : in.cluster.spec.regions) {
    std::map<int, NamedRelay> own;
    for (const int ordinal : ordinals_of(region)) {
      own[ordinal] = {relay_name(region.name, ordinal), region.name, {}, false};
    }
    for (const auto& pod : in.pods) {
      if (pod.region != region.name) continue;
      const bool leaving = pod.deleting || pod.draining.has_value();
      own[pod.ordinal] = {pod.relay, region.name, pod.addresses, pod.proof == Proof::proven && !leaving};
    }
    for (auto& [ordinal, relay] : own) relays.push_back(std::move(relay));
  }
  return dns_endpoint(in.cluster, relays, live_child(in.observed, "", "DNSEndpoint", in.cluster.name));
}

}  // namespace

std::vector<Placed> wanted_children(const Wanted& in) {
  const auto& cluster = in.cluster;
  const auto answers = [&](const std::string& site) { return !in.observed.unreachable.contains(site); };
  std::vector<Placed> children;
  const auto add = [&](const std::string& site, json object) {
    children.push_back(place(cluster, site, fingerprinted(std::move(object))));
  };
  for (const auto& site : sites_of(cluster)) {
    if (site.empty() || !answers(site) || !cluster.spec.tls) continue;
    if (auto copy = tls_copy(in, site); !copy.is_null()) children.push_back(place(cluster, site, std::move(copy)));
  }
  for (const auto& region : cluster.spec.regions) {
    if (!answers(site_of(region))) continue;
    for (auto& child : region_children(in, region)) add(site_of(region), std::move(child));
  }
  for (const auto& vantage : vantages_of(cluster)) {
    if (!in.settings.vantage || !answers(vantage.site)) continue;
    for (auto& child : vantage_children(in, vantage))
      children.push_back(place(cluster, vantage.site, std::move(child)));
  }
  if (cluster.spec.tls && !cluster.spec.tls->issuer_name.empty()) add("", certificate(cluster));
  if (cluster.spec.dns) add("", dns_endpoint(in));
  return children;
}

}  // namespace turnkeeper::op
