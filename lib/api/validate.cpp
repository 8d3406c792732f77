#include "turnkeeper/api/validate.hpp"

#include <algorithm>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/read_failover.hpp"
#include "turnkeeper/api/suggest.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::api {
namespace {

std::string region_field(std::size_t index) {
  return "spec.regions[" + std::to_string(index) + ']';
}

bool over_tls(const RelaySpec& relay) {
  return std::ranges::any_of(relay.transports,
                             [](Transport one) { return one == Transport::tls || one == Transport::dtls; });
}

void check_listening_port(const Ports& ports, std::uint16_t port, const std::string& name, bool in_use,
                          const std::string& field, Problems& problems) {
  const auto number = std::to_string(port);
  if (in_use && ports.relay_min <= ports.relay_max && port >= ports.relay_min && port <= ports.relay_max) {
    problems.push_back({field + '.' + name,
                        "the " + name + " port " + number + " is inside the relay range " +
                            std::to_string(ports.relay_min) + " to " + std::to_string(ports.relay_max),
                        "move one of them, so that no allocation takes the port that clients connect to"});
  }
  if (port == bounds::agent_port) {
    problems.push_back({field + '.' + name, "port " + number + " is where the relay's agent listens",
                        std::string("use another port, such as ") + (name == "turn" ? "3478" : "5349")});
  }
}

void check_ports(const RelaySpec& relay, const std::string& field, Problems& problems) {
  const auto& ports = relay.ports;
  if (ports.relay_min > ports.relay_max) {
    problems.push_back(
        {field + ".relayMin",
         "the relay range " + std::to_string(ports.relay_min) + " to " + std::to_string(ports.relay_max) + " is empty",
         "write a relayMin that is not greater than relayMax"});
  }
  check_listening_port(ports, ports.turn, "turn", true, field, problems);
  check_listening_port(ports, ports.turns, "turns", over_tls(relay), field, problems);
  if (over_tls(relay) && ports.turn == ports.turns) {
    problems.push_back({field + ".turns", "port " + std::to_string(ports.turns) + " is the turn port already",
                        "use another port for TLS and DTLS, such as 5349"});
  }
}

// What a region's relays look like, judged field against field.
void check_relay(const Spec& spec, const RelaySpec& relay, const std::string& field, Problems& problems) {
  check_ports(relay, field + ".ports", problems);
  if (over_tls(relay) && !spec.tls) {
    problems.push_back(
        {field + ".transports", "TLS and DTLS need a certificate", "say where it is in spec.tls, or leave them out"});
  }
  if (const auto& scaling = relay.autoscaling) {
    if (scaling->min > scaling->max) {
      problems.push_back({field + ".autoscaling.min",
                          std::to_string(scaling->min) + " is more than max, which is " + std::to_string(scaling->max),
                          "write a min that is not greater than max"});
    }
    if (scaling->sessions_per_relay == 0 && scaling->megabits_per_relay == 0) {
      problems.push_back({field + ".autoscaling", "nothing says when there are too few relays",
                          "write sessionsPerRelay, megabitsPerRelay or both"});
    }
  }
  const auto relays = static_cast<std::size_t>(relay.autoscaling ? relay.autoscaling->max : relay.replicas);
  if (const auto& fixed = relay.public_address.fixed; !fixed.empty() && fixed.size() < relays) {
    problems.push_back({field + ".publicAddress.fixed",
                        "has " + std::to_string(fixed.size()) + (fixed.size() == 1 ? " entry for " : " entries for ") +
                            std::to_string(relays) + " relays",
                        "write one for each relay, in the order of their numbers"});
  }
}

void check_spec(const Spec& spec, Problems& problems) {
  if (const auto& credentials = spec.credentials;
      credentials.rotate_every.count() > 0 && credentials.rotate_every < 2 * credentials.ttl) {
    problems.push_back({"spec.credentials.rotation.every", "is less than twice the ttl of credentials",
                        "each key must be accepted for a ttl after the next one has taken over: write at least " +
                            duration_text(2 * credentials.ttl) + ", or 0s for no rotation by itself"});
  }
  if (spec.tls && !spec.tls->issuer_name.empty() && !spec.dns) {
    problems.push_back(
        {"spec.tls.issuerRef", "a certificate is issued for a name, and there is none", "write spec.dns.hostname"});
  }
  if (const auto& budget = spec.budget) {
    if (budget->monthly <= 0) problems.push_back({"spec.budget.monthly", "is nothing", "write an amount above 0"});
    if (budget->per_relay <= 0 && budget->per_gigabyte <= 0) {
      problems.push_back(
          {"spec.budget", "without a price nothing costs anything", "write perRelay, perGigabyte or both"});
    }
  }
}

// "eu-0" is what the first relay of the region "eu" is called, its Service and its DNS name.
bool is_relay_of(const std::string& name, const std::string& region) {
  if (!name.starts_with(region + '-')) return false;
  const auto ordinal = name.substr(region.size() + 1);
  return !ordinal.empty() && ordinal.find_first_not_of("0123456789") == std::string::npos &&
         (ordinal == "0" || ordinal.front() != '0');
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
    for (std::size_t other = 0; other < regions.size(); ++other) {
      if (!is_relay_of(regions[i].name, regions[other].name)) continue;
      problems.push_back(
          {region_field(i) + ".name", "'" + regions[i].name + "' is the name of a relay of " + region_field(other),
           "give the region a name that does not end in a number, such as '" + regions[other].name + "-b'"});
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

// A site is known by the name of its Secret.
void check_kubeconfig(const std::vector<Region>& regions, std::size_t index, Problems& problems) {
  const auto& reference = regions[index].kubeconfig;
  for (std::size_t earlier = 0; earlier < index; ++earlier) {
    const auto& other = regions[earlier].kubeconfig;
    if (reference.name.empty() || other.name != reference.name || other.key == reference.key) continue;
    problems.push_back(
        {region_field(index) + ".kubeconfigSecret.key",
         "'" + reference.key + "' is not what " + region_field(earlier) + " takes from the same Secret",
         "one Secret stands for one Kubernetes cluster: name the same key, or put the other kubeconfig into "
         "a Secret of its own"});
    return;
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
  check_spec(cluster.spec, problems);
  check_names(cluster, problems);
  check_failover(cluster.spec, problems);
  const auto& regions = cluster.spec.regions;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    check_relay(cluster.spec, regions[i].relay, region_field(i) + ".relay", problems);
    check_kubeconfig(regions, i, problems);
    check_backups(regions, i, problems);
  }
  return problems;
}

}  // namespace turnkeeper::api
