#include "operator/plan/targets.hpp"

#include <google/protobuf/util/time_util.h>

#include "operator/plan/status.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/names.hpp"
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
      return v1::SigningKey::RETIRING;
    case api::SigningKey::Phase::removed:
      break;
  }
  return v1::SigningKey::REMOVED;
}

std::string uri_of(const std::string& host, std::uint16_t port, api::Transport transport) {
  const bool over_tls = transport == api::Transport::tls || transport == api::Transport::dtls;
  const bool over_udp = transport == api::Transport::udp || transport == api::Transport::dtls;
  return turn::Uri{.scheme = over_tls ? turn::Uri::Scheme::turns : turn::Uri::Scheme::turn,
                   .host = host,
                   .port = port,
                   .transport = over_udp ? turn::Uri::Transport::udp : turn::Uri::Transport::tcp}
      .to_string();
}

// TLS by the relay's own name where it has one, since that is what its certificate is good for; the rest by address,
// which needs no DNS.
std::vector<std::string> hosts_of(const api::Spec& spec, const RelayPod& pod, api::Transport transport) {
  const bool over_tls = transport == api::Transport::tls || transport == api::Transport::dtls;
  if (over_tls && spec.dns) return {pod.relay + '.' + spec.dns->hostname};
  return pod.addresses;
}

void add_provider(const api::Provider& provider, const Secret& secret, v1::ClusterTargets& targets) {
  auto& target = *targets.add_providers();
  target.set_name(provider.name);
  target.set_type(std::string(api::provider_type_name(provider.type)));
  target.set_secret(secret.reveal());
  target.set_account(provider.account);
  target.set_username(provider.user);
  target.set_channel(provider.channel);
  target.set_region(provider.region);
  target.set_url(provider.url);
  for (const auto& url : provider.urls) target.add_urls(url);
  *target.mutable_ttl() = TimeUtil::SecondsToDuration(provider.ttl.count());
  target.set_cost_per_gigabyte(provider.cost_per_gigabyte);
  *target.mutable_probe_every() = TimeUtil::MillisecondsToDuration(provider.probe_every.count());
}

void add_failover(const api::Spec& spec, const Secrets& secrets, v1::ClusterTargets& targets) {
  const auto& failover = spec.failover;
  if (failover.providers.empty()) return;
  for (const auto& provider : failover.providers) {
    add_provider(provider, secret_entry(secrets, {}, provider.secret).value_or(Secret()), targets);
  }
  for (const auto& [name, use] : api::provider_use_names) {
    if (use == failover.use) targets.set_provider_use(std::string(name));
  }
  if (spec.budget) targets.set_cost_per_gigabyte(spec.budget->per_gigabyte);
}

}  // namespace

v1::ClusterTargets cluster_targets(const api::TurnCluster& cluster, const std::vector<RelayPod>& pods,
                                   const api::SigningKeys& keys, const Secrets& secrets) {
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
    for (const auto& backup : region.backups) target.add_backups(backup);
    for (const auto& pod : pods) {
      if (pod.region != region.name || pod.addresses.empty() || pod.ports.empty() || !pod.running) continue;
      auto& relay = *target.add_relays();
      relay.set_name(pod.relay);
      for (const auto& [transport, port] : pod.ports) {
        for (const auto& host : hosts_of(spec, pod, transport)) relay.add_uris(uri_of(host, port, transport));
      }
      for (const auto& address : pod.relayed) relay.add_public_addresses(address);
      relay.set_draining(pod.deleting || pod.draining.has_value());
      relay.set_agent(pod.agent);
      for (const auto& peer : region.relay.peers.allow) relay.add_allowed_peers(peer);
    }
  }
  *targets.mutable_credential_ttl() = TimeUtil::SecondsToDuration(spec.credentials.ttl.count());
  *targets.mutable_rotate_every() = TimeUtil::SecondsToDuration(spec.credentials.rotate_every.count());
  *targets.mutable_probing()->mutable_canary() = TimeUtil::MillisecondsToDuration(spec.probing.canary.count());
  targets.mutable_probing()->set_misses(static_cast<std::uint32_t>(spec.probing.misses));
  *targets.mutable_probing()->mutable_full() = TimeUtil::MillisecondsToDuration(spec.probing.full.count());
  for (const auto& server : spec.stun_servers) targets.add_stun_servers(server);
  add_failover(spec, secrets, targets);
  return targets;
}

}  // namespace turnkeeper::op
