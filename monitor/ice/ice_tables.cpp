#include "monitor/ice/ice_tables.hpp"

namespace turnkeeper::monitor {

IceTables::IceTables(std::function<const Fleet&()> fleet, VerdictLookup verdict_of, ProofLookup proof_of,
                     const Clock& clock, IceOptions options)
    : fleet_(std::move(fleet)),
      verdict_of_(std::move(verdict_of)),
      proof_of_(std::move(proof_of)),
      clock_(clock),
      options_(options) {}

IceResult<IceConfig> IceTables::make(const IceRequest& request) const {
  const auto cluster = find_cluster(fleet_(), request.cluster);
  if (!cluster) return tl::unexpected(cluster.error());
  return table(**cluster).make(request, clock_.system());
}

Standing IceTables::standing(const std::string& cluster, UrlHash url) const {
  const auto found = find_cluster(fleet_(), cluster);
  return found ? table(**found).standing(url) : Standing::gone;
}

const IceTable& IceTables::table(const Cluster& cluster) const {
  const auto found = tables_.find(cluster.name);
  const auto now = clock_.system();
  if (found != tables_.end() && now < found->second.valid_until()) return found->second;
  return tables_.insert_or_assign(cluster.name, IceTable(cluster, verdict_of_, proof_of_, now, options_)).first->second;
}

}  // namespace turnkeeper::monitor
