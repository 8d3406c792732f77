#include "monitor/ice/make_ice_config.hpp"

#include <algorithm>

#include "monitor/ice/ice_table.hpp"

namespace turnkeeper::monitor {
namespace {

tl::unexpected<IceFailure> refuse(IceFailure::Kind kind, std::string message, std::string advice) {
  return tl::unexpected(IceFailure{kind, {std::move(message), std::move(advice)}});
}

std::string names(const std::vector<Cluster>& clusters) {
  std::string text;
  for (const auto& cluster : clusters) text += (text.empty() ? "" : ", ") + cluster.name;
  return text;
}

}  // namespace

IceResult<const Cluster*> find_cluster(const Fleet& fleet, const std::string& name) {
  using Kind = IceFailure::Kind;
  if (fleet.clusters.empty()) {
    return refuse(Kind::unavailable, "this monitor knows no cluster yet", "ask again in a moment");
  }
  if (name.empty() && fleet.clusters.size() == 1) return &fleet.clusters.front();
  if (name.empty()) {
    return refuse(Kind::bad_request, "there are several clusters and the request names none",
                  "add cluster= one of " + names(fleet.clusters));
  }
  const auto found = std::ranges::find(fleet.clusters, name, &Cluster::name);
  if (found != fleet.clusters.end()) return &*found;
  return refuse(Kind::not_found, "there is no cluster \"" + name + "\"", "choose one of " + names(fleet.clusters));
}

IceResult<IceConfig> make_ice_config(const IceRequest& request, const Cluster& cluster, const VerdictLookup& verdict_of,
                                     const ProofLookup& proof_of, SystemTime now, const IceOptions& options) {
  return IceTable(cluster, verdict_of, proof_of, now, options).make(request, now);
}

UrlHash url_hash(std::string_view url) {
  return std::hash<std::string_view>()(url);
}

bool equivalent(const IceConfig& a, const IceConfig& b) {
  return a.key == b.key && std::ranges::equal(a.servers, b.servers, {}, &IceServer::urls, &IceServer::urls);
}

}  // namespace turnkeeper::monitor
