#include <algorithm>

#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/address_range.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

class Records {
 public:
  // `live`: the DNSEndpoint as it stands; may be null.
  Records(std::chrono::seconds ttl, const json& live) : ttl_(ttl) {
    const json::json_pointer endpoints("/spec/endpoints");
    if (live.is_object() && live.contains(endpoints) && live.at(endpoints).is_array()) live_ = live.at(endpoints);
  }

  // Without addresses the name keeps what it has.
  void add(const std::string& name, const std::vector<std::string>& addresses) {
    std::vector<std::string> v4;
    std::vector<std::string> v6;
    std::vector<std::string> names;
    for (const auto& address : addresses) {
      const auto literal = parse_address(address);
      (!literal ? names : literal->v6 ? v6 : v4).push_back(address);
    }
    if (addresses.empty()) return keep(name);
    record(name, "A", std::move(v4));
    record(name, "AAAA", std::move(v6));
    // A load balancer that has a name only. A name can stand for one other, and for nothing beside it.
    if (addresses.size() == 1) record(name, "CNAME", std::move(names));
  }

  [[nodiscard]] json take() { return std::move(records_); }

 private:
  void record(const std::string& name, const char* type, std::vector<std::string> targets) {
    if (targets.empty()) return;
    std::ranges::sort(targets);
    const auto doubled = std::ranges::unique(targets);
    targets.erase(doubled.begin(), doubled.end());
    records_.push_back({{"dnsName", name}, {"recordType", type}, {"recordTTL", ttl_.count()}, {"targets", targets}});
  }

  void keep(const std::string& name) {
    for (const auto& endpoint : live_) {
      if (endpoint.is_object() && endpoint.value("dnsName", json()) == name) records_.push_back(endpoint);
    }
  }

  const std::chrono::seconds ttl_;
  json live_ = json::array();
  json records_ = json::array();
};

// Literals where there are any: a name among them could not stand beside them.
std::vector<std::string> proven_addresses(const std::vector<NamedRelay>& relays, const std::string* region) {
  std::vector<std::string> literals;
  std::vector<std::string> names;
  for (const auto& relay : relays) {
    if (!relay.proven || (region != nullptr && relay.region != *region)) continue;
    for (const auto& address : relay.addresses) (parse_address(address) ? literals : names).push_back(address);
  }
  if (literals.empty() && !names.empty()) return {names.front()};
  return literals;
}

}  // namespace

json dns_endpoint(const api::TurnCluster& cluster, const std::vector<NamedRelay>& relays, const json& live) {
  const auto& dns = cluster.spec.dns.value();
  Records records(dns.ttl, live);
  records.add(dns.hostname, proven_addresses(relays, nullptr));
  for (const auto& region : cluster.spec.regions) {
    records.add(region.name + '.' + dns.hostname, proven_addresses(relays, &region.name));
  }
  for (const auto& relay : relays) records.add(relay.name + '.' + dns.hostname, relay.addresses);
  auto endpoint = child(cluster, nullptr, "externaldns.k8s.io/v1alpha1", "DNSEndpoint", cluster.name);
  endpoint["spec"] = {{"endpoints", records.take()}};
  return endpoint;
}

json certificate(const api::TurnCluster& cluster) {
  const auto& tls = cluster.spec.tls.value();
  const auto& hostname = cluster.spec.dns.value().hostname;
  auto certificate = child(cluster, nullptr, "cert-manager.io/v1", "Certificate", certificate_name(cluster));
  certificate["spec"] = {
      {"secretName", certificate_name(cluster)},
      // By its label the operator sees the Secret, without having to read everybody's.
      {"secretTemplate", {{"labels", {{cluster_label, cluster.name}}}}},
      {"dnsNames", {hostname, "*." + hostname}},
      {"usages", {"digital signature", "key encipherment", "server auth"}},
      {"issuerRef", {{"name", tls.issuer_name}, {"kind", tls.issuer_kind}, {"group", tls.issuer_group}}}};
  return certificate;
}

}  // namespace turnkeeper::op
