// What a client that asks now is given: an IceTable for each cluster of the fleet, made when it is first needed after a
// change.
//
//   IceTables tables([&]() -> const Fleet& { return health.fleet(); }, verdict_of, proof_of, clock);
//   auto config = tables.make(request);
//   tables.changed();      // after each change of the fleet, of a verdict, of a proof
//
// Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "monitor/ice/ice_table.hpp"

namespace turnkeeper::monitor {

class IceTables {
 public:
  // The fleet that is returned lives until the next changed().
  IceTables(std::function<const Fleet&()> fleet, VerdictLookup verdict_of, ProofLookup proof_of, const Clock& clock,
            IceOptions options = {});

  void changed() { tables_.clear(); }

  // As find_cluster() and make_ice_config().
  [[nodiscard]] IceResult<IceConfig> make(const IceRequest& request) const;

  // Of a URL that a client of that cluster was given. Gone, when the cluster is.
  [[nodiscard]] Standing standing(const std::string& cluster, UrlHash url) const;

 private:
  [[nodiscard]] const IceTable& table(const Cluster& cluster) const;

  const std::function<const Fleet&()> fleet_;
  const VerdictLookup verdict_of_;
  const ProofLookup proof_of_;
  const Clock& clock_;
  const IceOptions options_;
  mutable std::map<std::string, IceTable> tables_;
};

}  // namespace turnkeeper::monitor
