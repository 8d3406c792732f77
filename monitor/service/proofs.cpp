#include "monitor/service/proofs.hpp"

#include <algorithm>
#include <set>

namespace turnkeeper::monitor {
namespace {

// The endpoint may be what the URI leads to. One without a port stands for a name that did not resolve.
bool leads_to(const turn::Uri& uri, const turn::Endpoint& endpoint) {
  if (uri.protocol() && uri.protocol() != endpoint.protocol) return false;
  if (endpoint.address.port() == 0) return true;
  if (uri.port && *uri.port != endpoint.address.port()) return false;
  const auto literal = turn::SocketAddress::from_ip(uri.host, endpoint.address.port());
  return !literal || *literal == endpoint.address;
}

}  // namespace

void Proofs::keep_only(const Fleet& fleet) {
  std::set<RelayId> ids;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) ids.insert({cluster.name, region.name, relay.name});
    }
  }
  std::erase_if(findings_, [&](const auto& entry) { return !ids.contains(entry.first); });
}

bool Proofs::probed(const RelayId& id, const ProbeResult& result) {
  // A prober that could not do its work has learned nothing.
  if (result.cause == api::Cause::internal) return false;
  auto& findings = findings_[id];
  const auto found = std::ranges::find(findings, result.endpoint, &Finding::endpoint);
  if (found == findings.end()) {
    findings.push_back({result.endpoint, result.ok});
    return true;
  }
  return std::exchange(found->works, result.ok) != result.ok;
}

void Proofs::keep_only(const RelayId& id, const std::vector<turn::Endpoint>& endpoints) {
  const auto found = findings_.find(id);
  if (found == findings_.end()) return;
  std::erase_if(found->second, [&](const Finding& finding) {
    return std::ranges::find(endpoints, finding.endpoint) == endpoints.end();
  });
}

Proof Proofs::of(const RelayId& id, const turn::Uri& uri) const {
  const auto found = findings_.find(id);
  if (found == findings_.end()) return Proof::unproven;
  Proof proof = Proof::unproven;
  for (const auto& finding : found->second) {
    if (!leads_to(uri, finding.endpoint)) continue;
    if (finding.works) return Proof::works;
    proof = Proof::fails;
  }
  return proof;
}

}  // namespace turnkeeper::monitor
