// Which URLs of a relay work, by the newest full probe of each of its endpoints: what ICE configs may hold. Pure.
#pragma once

#include <map>
#include <vector>

#include "monitor/ice/make_ice_config.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/turn/endpoint.hpp"

namespace turnkeeper::monitor {

class Proofs {
 public:
  // Relays that left are forgotten.
  void keep_only(const Fleet& fleet);
  // Returns whether it says something new.
  bool probed(const RelayId& id, const ProbeResult& result);
  // The endpoints that the relay has now; what was found about others is past.
  void keep_only(const RelayId& id, const std::vector<turn::Endpoint>& endpoints);

  // A URL works when one of its addresses does: clients try them all.
  [[nodiscard]] Proof of(const RelayId& id, const turn::Uri& uri) const;

 private:
  struct Finding {
    turn::Endpoint endpoint;
    bool works = false;
  };
  std::map<RelayId, std::vector<Finding>> findings_;
};

}  // namespace turnkeeper::monitor
