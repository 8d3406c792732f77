#include "monitor/target/fleet_proto.hpp"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <set>

#include "turnkeeper/api/names.hpp"

namespace turnkeeper::monitor {
namespace {

using google::protobuf::util::TimeUtil;

template <class Duration>
void read(const google::protobuf::Duration& from, bool present, Duration& to) {
  if (present)
    to = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(TimeUtil::DurationToNanoseconds(from)));
}

Result<api::SigningKey> key_from(const v1::SigningKey& from) {
  api::SigningKey key{.id = from.id(), .secret = Secret(from.secret())};
  if (key.id.empty()) return fail("a signing key has no id");
  if (key.secret.empty()) return fail("signing key " + key.id + " has no secret");
  switch (from.phase()) {
    case v1::SigningKey::REMOVED:
      key.phase = api::SigningKey::Phase::removed;
      break;
    case v1::SigningKey::STAGED:
      key.phase = api::SigningKey::Phase::staged;
      break;
    case v1::SigningKey::ISSUING:
      key.phase = api::SigningKey::Phase::issuing;
      break;
    case v1::SigningKey::RETIRING:
      key.phase = api::SigningKey::Phase::retiring;
      break;
    default:
      return fail("signing key " + key.id + " has no known phase");
  }
  if (from.has_created()) {
    key.created = SystemTime(std::chrono::duration_cast<SystemTime::duration>(
        std::chrono::nanoseconds(TimeUtil::TimestampToNanoseconds(from.created()))));
    key.since = key.created;
  }
  return key;
}

Result<Relay> relay_from(const v1::RelayTarget& from) {
  Relay relay{.name = from.name(), .draining = from.draining()};
  if (relay.name.empty()) return fail("a relay has no name");
  if (from.uris().empty()) return fail("relay " + relay.name + " has no URI");
  for (const auto& text : from.uris()) {
    auto uri = turn::Uri::parse(text);
    if (!uri) return fail(uri.error().within("relay " + relay.name));
    if (uri->scheme != turn::Uri::Scheme::turn && uri->scheme != turn::Uri::Scheme::turns) {
      return fail("relay " + relay.name + ": " + text + " is no TURN server");
    }
    relay.uris.push_back(std::move(*uri));
  }
  relay.public_addresses.assign(from.public_addresses().begin(), from.public_addresses().end());
  relay.agent = from.agent();
  for (const auto& text : from.allowed_peers()) {
    const auto range = parse_range(text);
    if (!range) return fail(range.error().within("relay " + relay.name));
    relay.allowed_peers.push_back(*range);
  }
  return relay;
}

std::optional<api::Provider> provider_from(const v1::Provider& from) {
  const auto type =
      std::ranges::find(api::provider_type_names, from.type(), [](const auto& entry) { return entry.first; });
  if (type == api::provider_type_names.end()) return std::nullopt;
  api::Provider provider{.name = from.name(),
                         .type = type->second,
                         .secret = {},
                         .account = from.account(),
                         .user = from.username(),
                         .channel = from.channel(),
                         .region = from.region(),
                         .url = from.url(),
                         .urls = {from.urls().begin(), from.urls().end()},
                         .cost_per_gigabyte = from.cost_per_gigabyte()};
  read(from.ttl(), from.has_ttl(), provider.ttl);
  read(from.probe_every(), from.has_probe_every(), provider.probe_every);
  return provider;
}

Result<void> read_providers(const v1::ClusterTargets& from, Cluster& cluster) {
  for (const auto& one : from.providers()) {
    const auto provider = provider_from(one);
    if (!provider) continue;
    auto config = provider_config(*provider, Secret(one.secret()));
    if (!config) return fail(config.error().within(cluster.name));
    cluster.providers.push_back(std::move(*config));
  }
  for (const auto& [name, use] : api::provider_use_names) {
    if (from.provider_use() == name) cluster.provider_use = use;
  }
  for (auto& region : cluster.regions) region.cost_per_gigabyte = from.cost_per_gigabyte();
  return {};
}

Result<Cluster> cluster_from(const v1::ClusterTargets& from) {
  Cluster cluster{.name = from.cluster(), .realm = from.realm()};
  if (cluster.name.empty()) return fail("a cluster has no name");
  for (const auto& key : from.signing_keys()) {
    auto read_key = key_from(key);
    if (!read_key) return fail(read_key.error().within(cluster.name));
    const bool removed = read_key->phase == api::SigningKey::Phase::removed;
    (removed ? cluster.removed_keys : cluster.signing_keys).push_back(std::move(*read_key));
  }
  std::set<std::string> names;
  for (const auto& region : from.regions()) {
    Region& to = cluster.regions.emplace_back(Region{.name = region.name()});
    to.backups.assign(region.backups().begin(), region.backups().end());
    for (const auto& relay : region.relays()) {
      auto read_relay = relay_from(relay);
      if (!read_relay) return fail(read_relay.error().within(cluster.name + "/" + region.name()));
      if (!names.insert(relay.name()).second) return fail(cluster.name + ": two relays are named " + relay.name());
      to.relays.push_back(std::move(*read_relay));
    }
  }
  read(from.credential_ttl(), from.has_credential_ttl(), cluster.credential_ttl);
  read(from.rotate_every(), from.has_rotate_every(), cluster.rotate_every);
  read(from.probing().canary(), from.probing().has_canary(), cluster.probing.canary);
  read(from.probing().full(), from.probing().has_full(), cluster.probing.full);
  if (from.probing().misses() > 0) cluster.probing.misses = static_cast<int>(from.probing().misses());
  if (cluster.probing.canary.count() <= 0 || cluster.probing.full.count() <= 0) {
    return fail(cluster.name + ": a probing interval is not positive");
  }
  cluster.stun_servers.assign(from.stun_servers().begin(), from.stun_servers().end());
  if (auto read_them = read_providers(from, cluster); !read_them) return fail(read_them.error());
  return cluster;
}

v1::SigningKey::Phase phase_to(api::SigningKey::Phase phase) {
  switch (phase) {
    case api::SigningKey::Phase::staged:
      return v1::SigningKey::STAGED;
    case api::SigningKey::Phase::issuing:
      return v1::SigningKey::ISSUING;
    case api::SigningKey::Phase::retiring:
      return v1::SigningKey::RETIRING;
    case api::SigningKey::Phase::removed:
      return v1::SigningKey::REMOVED;
  }
  return v1::SigningKey::PHASE_UNSPECIFIED;
}

void key_to(const api::SigningKey& key, v1::SigningKey& to) {
  to.set_id(key.id);
  to.set_secret(key.secret.reveal());
  to.set_phase(phase_to(key.phase));
  *to.mutable_created() = TimeUtil::NanosecondsToTimestamp(
      std::chrono::duration_cast<std::chrono::nanoseconds>(key.created.time_since_epoch()).count());
}

template <class Duration>
google::protobuf::Duration duration_to(Duration duration) {
  return TimeUtil::NanosecondsToDuration(std::chrono::nanoseconds(duration).count());
}

void provider_to(const ProviderConfig& provider, v1::Provider& to) {
  to.set_name(provider.name);
  to.set_type(std::string(api::provider_type_name(provider.type)));
  to.set_secret(provider.secret.reveal());
  to.set_account(provider.account);
  to.set_username(provider.user);
  to.set_channel(provider.channel);
  to.set_region(provider.region);
  to.set_url(provider.url);
  for (const auto& uri : provider.uris) to.add_urls(uri.to_string());
  *to.mutable_ttl() = duration_to(provider.ttl);
  to.set_cost_per_gigabyte(provider.cost_per_gigabyte);
  *to.mutable_probe_every() = duration_to(provider.probe_every);
}

}  // namespace

Result<Fleet> fleet_from_proto(const v1::TargetSet& targets) {
  Fleet fleet;
  for (const auto& cluster : targets.clusters()) {
    auto read_cluster = cluster_from(cluster);
    if (!read_cluster) return fail(read_cluster.error());
    fleet.clusters.push_back(std::move(*read_cluster));
  }
  return fleet;
}

v1::TargetSet to_proto(const Fleet& fleet) {
  v1::TargetSet targets;
  for (const auto& cluster : fleet.clusters) {
    auto& to = *targets.add_clusters();
    to.set_cluster(cluster.name);
    to.set_realm(cluster.realm);
    for (const auto* keys : {&cluster.signing_keys, &cluster.removed_keys}) {
      for (const auto& key : *keys) key_to(key, *to.add_signing_keys());
    }
    for (const auto& region : cluster.regions) {
      if (region.external) continue;
      auto& to_region = *to.add_regions();
      to_region.set_name(region.name);
      for (const auto& backup : region.backups) to_region.add_backups(backup);
      for (const auto& relay : region.relays) {
        if (!std::holds_alternative<ClusterKeys>(relay.credential)) continue;
        auto& to_relay = *to_region.add_relays();
        to_relay.set_name(relay.name);
        for (const auto& uri : relay.uris) to_relay.add_uris(uri.to_string());
        for (const auto& address : relay.public_addresses) to_relay.add_public_addresses(address);
        to_relay.set_draining(relay.draining);
        to_relay.set_agent(relay.agent);
        for (const auto& range : relay.allowed_peers) to_relay.add_allowed_peers(range.text());
      }
    }
    *to.mutable_credential_ttl() = duration_to(cluster.credential_ttl);
    *to.mutable_rotate_every() = duration_to(cluster.rotate_every);
    *to.mutable_probing()->mutable_canary() = duration_to(cluster.probing.canary);
    to.mutable_probing()->set_misses(static_cast<std::uint32_t>(cluster.probing.misses));
    *to.mutable_probing()->mutable_full() = duration_to(cluster.probing.full);
    for (const auto& server : cluster.stun_servers) to.add_stun_servers(server);
    for (const auto& provider : cluster.providers) provider_to(provider, *to.add_providers());
    for (const auto& [name, use] : api::provider_use_names) {
      if (use == cluster.provider_use) to.set_provider_use(std::string(name));
    }
    for (const auto& region : cluster.regions) {
      if (!region.external) to.set_cost_per_gigabyte(region.cost_per_gigabyte);
    }
  }
  return targets;
}

Result<Fleet> load_snapshot(const std::string& path) {
  // The whole file is as secret as the keys in it.
  const auto text = Secret::from_file(path);
  if (!text) return fail(text.error());
  v1::TargetSet targets;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(text->reveal(), &targets, options);
  if (!status.ok()) {
    return fail(path + " is not a TargetSet as protobuf JSON", "let the operator write it (--snapshot-secret)");
  }
  auto fleet = fleet_from_proto(targets);
  if (!fleet) return fail(fleet.error().within(path));
  return fleet;
}

}  // namespace turnkeeper::monitor
