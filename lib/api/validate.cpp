#include "turnkeeper/api/validate.hpp"

#include <algorithm>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/suggest.hpp"

namespace turnkeeper::api {
namespace {

std::string region_field(std::size_t index) {
  return "spec.regions[" + std::to_string(index) + ']';
}

void check_ports(const Ports& ports, const std::string& field, Problems& problems) {
  const auto range = std::to_string(ports.relay_min) + " to " + std::to_string(ports.relay_max);
  if (ports.relay_min > ports.relay_max) {
    problems.push_back({field + ".relayMin", "the relay range " + range + " is empty",
                        "write a relayMin that is not greater than relayMax"});
  } else if (ports.turn >= ports.relay_min && ports.turn <= ports.relay_max) {
    problems.push_back({field + ".turn",
                        "the turn port " + std::to_string(ports.turn) + " is inside the relay range " + range,
                        "move one of them, so that no allocation takes the port that clients connect to"});
  }
  if (ports.turn == bounds::agent_port) {
    problems.push_back({field + ".turn", "port " + std::to_string(ports.turn) + " is where the relay's agent listens",
                        "use another port, such as 3478"});
  }
}

void check_names(const TurnCluster& cluster, Problems& problems) {
  const auto& regions = cluster.spec.regions;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (regions[earlier].name != regions[i].name) continue;
      problems.push_back({region_field(i) + ".name",
                          "'" + regions[i].name + "' is the name of " + region_field(earlier) + " already",
                          "give each region a name of its own"});
      break;
    }
    const auto length = cluster.name.size() + 1 + regions[i].name.size();
    if (length > bounds::stateful_set_name_length) {
      problems.push_back(
          {region_field(i) + ".name",
           "'" + cluster.name + "-" + regions[i].name + "' has " + std::to_string(length) + " characters",
           "shorten the cluster's or the region's name: together they may have " +
               std::to_string(bounds::stateful_set_name_length - 1)});
    }
  }
}

void check_backups(const std::vector<Region>& regions, std::size_t index, Problems& problems) {
  const auto& region = regions[index];
  std::vector<std::string> others;
  for (const auto& other : regions) {
    if (other.name != region.name) others.push_back(other.name);
  }
  for (std::size_t i = 0; i < region.backups.size(); ++i) {
    const auto& backup = region.backups[i];
    const auto field = region_field(index) + ".backups[" + std::to_string(i) + ']';
    if (backup == region.name) {
      problems.push_back({field, "region '" + backup + "' cannot be its own backup",
                          others.empty() ? "remove it" : "use " + alternatives(others)});
    } else if (std::find(others.begin(), others.end(), backup) == others.end()) {
      problems.push_back({field, "'" + backup + "' is no region of this cluster",
                          others.empty() ? "remove it: there is no other region" : suggestion(backup, others)});
    }
  }
}

}  // namespace

Problems validate(const TurnCluster& cluster) {
  Problems problems;
  check_names(cluster, problems);
  const auto& regions = cluster.spec.regions;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    check_ports(regions[i].relay.ports, region_field(i) + ".relay.ports", problems);
    check_backups(regions, i, problems);
  }
  return problems;
}

}  // namespace turnkeeper::api
