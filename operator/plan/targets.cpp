#include "operator/plan/targets.hpp"

#include <google/protobuf/util/time_util.h>

#include "operator/plan/status.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::op {
namespace {

using google::protobuf::util::TimeUtil;

v1::SigningKey::Phase phase_of(api::SigningKey::Phase phase) {
  switch (phase) {
    case api::SigningKey::Phase::staged:
      return v1::SigningKey::STAGED;
    case api::SigningKey::Phase::issuing:
      return v1::SigningKey::ISSUING;
    case api::SigningKey::Phase::retiring:
      break;
  }
  return v1::SigningKey::RETIRING;
}

std::string uri_of(const std::string& address, std::uint16_t port, api::Transport transport) {
  return turn::Uri{
      .scheme = turn::Uri::Scheme::turn,
      .host = address,
      .port = port,
      .transport = transport == api::Transport::udp ? turn::Uri::Transport::udp : turn::Uri::Transport::tcp}
      .to_string();
}

}  // namespace

v1::ClusterTargets cluster_targets(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                   const api::SigningKeys& keys) {
  const auto& spec = cluster.spec;
  v1::ClusterTargets targets;
  targets.set_cluster(cluster_id(cluster));
  targets.set_realm(spec.realm);
  for (const auto& key : keys) {
    auto& target = *targets.add_signing_keys();
    target.set_id(key.id);
    target.set_secret(key.secret.reveal());
    target.set_phase(phase_of(key.phase));
    *target.mutable_created() = TimeUtil::SecondsToTimestamp(unix_seconds(key.created));
  }
  for (const auto& region : spec.regions) {
    auto& target = *targets.add_regions();
    target.set_name(region.name);
    for (const auto& backup : backups_of(spec, region)) target.add_backups(backup);
    for (const auto& pod : pods) {
      if (pod.region != region.name || pod.address.empty() || !pod.running) continue;
      auto& relay = *target.add_relays();
      relay.set_name(pod.relay);
      for (const auto transport : region.relay.transports) {
        relay.add_uris(uri_of(pod.address, static_cast<std::uint16_t>(region.relay.ports.turn), transport));
      }
      // Clients come to this address, so it is where their peers must find them too.
      relay.set_public_address(pod.address);
      relay.set_draining(pod.deleting);
    }
  }
  *targets.mutable_credential_ttl() = TimeUtil::SecondsToDuration(spec.credentials.ttl.count());
  *targets.mutable_rotate_every() = TimeUtil::SecondsToDuration(spec.credentials.rotate_every.count());
  *targets.mutable_probing()->mutable_canary() = TimeUtil::MillisecondsToDuration(spec.probing.canary.count());
  targets.mutable_probing()->set_misses(static_cast<std::uint32_t>(spec.probing.misses));
  *targets.mutable_probing()->mutable_full() = TimeUtil::MillisecondsToDuration(spec.probing.full.count());
  for (const auto& server : spec.stun_servers) targets.add_stun_servers(server);
  return targets;
}

}  // namespace turnkeeper::op
