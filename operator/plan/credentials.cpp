#include "operator/plan/credentials.hpp"

#include <algorithm>

#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "operator/rotation/rotation.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using api::SigningKey;
using nlohmann::json;

// What status.credentials.request holds at most.
constexpr std::size_t request_limit = 1024;
// What coturn's database keeps.
constexpr std::size_t secret_limit = 256;

std::string text(const json& object, const json::json_pointer& at) {
  return object.contains(at) && object.at(at).is_string() ? object.at(at).get<std::string>() : std::string();
}

bool is(const json& object, const char* member, std::string_view value) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() && found->get_ref<const std::string&>() == value;
}

std::string annotation_of(const json& object, const char* name) {
  return text(object, json::json_pointer("/metadata/annotations") / name);
}

std::string request(const Observed& observed, const char* annotation) {
  const auto found = observed.annotations.find(annotation);
  if (found == observed.annotations.end()) return {};
  std::string words = found->second.substr(0, request_limit);
  // Not in the middle of a character: what is cut off begins with a continuation byte only then.
  std::size_t end = words.size();
  if (end < found->second.size()) {
    while (end > 0 && (static_cast<unsigned char>(found->second[end]) & 0xC0U) == 0x80U) --end;
  }
  return words.substr(0, end);
}

const json* keys_secret(const api::TurnCluster& cluster, const Observed& observed, const std::string& site) {
  const auto name = signing_keys_name(cluster);
  const auto found = std::ranges::find_if(observed.children, [&](const Placed& child) {
    return child.site == site && is(child.object, "kind", "Secret") && is(child.object.at("metadata"), "name", name);
  });
  return found == observed.children.end() ? nullptr : &found->object;
}

Result<api::SigningKeys> read_keys(const json& secret) {
  const auto where = "Secret " + text(secret, json::json_pointer("/metadata/name"));
  const auto document = base64_decode(text(secret, json::json_pointer("/data/keys.json")));
  if (!document) return fail(document.error().within(where + ": keys.json"));
  auto keys = api::parse_signing_keys(*document);
  if (!keys) {
    return fail(
        where + ": keys.json: " + keys.error().message,
        "restore the Secret from a backup, or delete it: the keys that were read last are written again, or, if the "
        "operator has restarted since, a new one (clients then need new credentials)");
  }
  return keys;
}

std::optional<SuppliedSecret> supplied_secret(const api::TurnCluster& cluster, const Observed& observed) {
  const auto& reference = cluster.spec.credentials.secret;
  if (reference.name.empty()) return std::nullopt;
  SuppliedSecret supplied{.where = place_of(reference), .value = {}, .trouble = {}};
  const auto refuse = [&](std::string why) {
    supplied.trouble = std::move(why);
    return supplied;
  };
  auto value = secret_entry(observed.secrets, observed.unread_secrets, reference);
  if (!value) return refuse(value.error().message);
  if (value->reveal().size() > secret_limit) return refuse("it has more than 256 characters");
  if (!std::ranges::all_of(value->reveal(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    return refuse("it has other characters than printable ASCII ones, or a space");
  }
  supplied.value = std::move(*value);
  return supplied;
}

bool needs_proof(const RelayPod& pod, const ClusterHealth& health) {
  if (pod.deleting) return false;
  if (pod.running && (pod.ready || pod.containers_ready)) return true;
  // Its node may be lost to Kubernetes and still relay.
  const auto found = health.relays.find(pod.relay);
  return found != health.relays.end() &&
         (found->second.verdict == api::Verdict::healthy || found->second.verdict == api::Verdict::degraded);
}

std::vector<RotationRelay> serving_relays(const std::vector<RelayPod>& pods, const ClusterHealth& health,
                                          const Observed& observed) {
  std::vector<RotationRelay> relays;
  for (const auto& pod : pods) {
    if (!needs_proof(pod, health) || observed.unreachable.contains(pod.site)) continue;
    RotationRelay relay{.name = pod.relay, .accepts = {}, .has = {}};
    if (const auto found = health.facts.find(pod.relay); found != health.facts.end()) {
      for (const auto& [key, proof] : found->second.keys) relay.accepts[key] = proof.accepted;
      const auto& agent = found->second.agent;
      if (agent && !agent->keys.empty()) relay.has = agent->keys;
    }
    relays.push_back(std::move(relay));
  }
  return relays;
}

std::vector<std::string> out_of_reach(const api::TurnCluster& cluster, const Observed& observed) {
  std::vector<std::string> regions;
  for (const auto& region : cluster.spec.regions) {
    const auto found = observed.unreachable.find(site_of(region));
    if (found != observed.unreachable.end()) {
      regions.push_back("waits for region " + region.name +
                        ", whose Kubernetes cluster cannot be reached: " + found->second);
    }
  }
  return regions;
}

std::vector<Notice> notices_of(const api::SigningKeys& before, const api::SigningKeys& after) {
  std::vector<Notice> notices;
  const auto tell = [&](const char* reason, std::string message) {
    notices.push_back({.warning = false, .reason = reason, .message = std::move(message)});
  };
  const auto find = [](const api::SigningKeys& keys, const std::string& id) {
    const auto found = std::ranges::find(keys, id, &SigningKey::id);
    return found == keys.end() ? nullptr : &*found;
  };
  for (const auto& key : after) {
    const auto* was = find(before, key.id);
    if (was != nullptr && was->phase == key.phase) continue;
    switch (key.phase) {
      case SigningKey::Phase::staged:
        tell("KeyStaged", "key " + key.id + " is made known to all relays and proven on each");
        break;
      case SigningKey::Phase::issuing:
        tell("KeyIssued", "key " + key.id + " signs credentials from now on");
        break;
      case SigningKey::Phase::retiring:
        break;
      case SigningKey::Phase::removed:
        tell("KeyRemoved", "key " + key.id + " is taken from all relays");
        break;
    }
  }
  for (const auto& key : before) {
    if (find(after, key.id) == nullptr)
      tell("KeyForgotten", "key " + key.id + " is refused by every relay that serves");
  }
  return notices;
}

json secret_of(const api::TurnCluster& cluster, const api::SigningKeys& keys, const RotationRecord& record) {
  auto secret = signing_keys_secret(cluster, keys);
  secret["metadata"]["annotations"][rotation_annotation] = render_rotation_record(record);
  return secret;
}

// Over nothing but what was read.
Placed over(const json* live, Placed placed) {
  if (live != nullptr) placed.object["metadata"]["resourceVersion"] = live->at("metadata").value("resourceVersion", "");
  return placed;
}

void stop(Credentials& out, const char* reason, const Error& error) {
  out.trouble = Halt{reason, error.text()};
  out.status = CredentialsStatus{.current = false, .reason = reason, .message = error.text()};
}

void make_first(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings, SystemTime now,
                Credentials& out) {
  const auto name = "Secret " + signing_keys_name(cluster);
  if (const auto& held = observed.memory.keys; held && held->cluster_uid == cluster.uid) {
    out.create = Placed{"", secret_of(cluster, held->keys, held->record)};
    out.notices.push_back(
        {.warning = false,
         .reason = "DriftRepaired",
         .message = "restored what was changed or deleted by someone else: " + name + ", with the keys that it had"});
    return;
  }
  const auto supplied = supplied_secret(cluster, observed);
  if (supplied && !supplied->trouble.empty()) {
    stop(out, "SecretUnusable",
         {supplied->where + ": " + supplied->trouble,
          "write the shared secret there, or take credentials.secretRef out to have one made"});
    return;
  }
  const auto lost = text(observed.status, json::json_pointer("/credentials/currentKey"));
  const auto first = first_keys(supplied ? supplied->value : settings.new_secret(), cluster.spec.credentials.ttl,
                                request(observed, rotate_annotation), request(observed, revoke_annotation), now, lost);
  out.create = Placed{"", secret_of(cluster, first.keys, first.record)};
  if (lost.empty()) return;
  out.notices.push_back({.warning = true,
                         .reason = "KeysLost",
                         .message = name + " was deleted while no operator ran: key " + first.keys.front().id +
                                    " is made anew. Credentials that clients have open no new allocation until they "
                                    "ask again; calls that stand go on"});
}

CredentialsStatus status_of(const Rotation& rotation) {
  return {.phase = rotation.phase,
          .current_key = rotation.current_key,
          .next_rotation = rotation.next_rotation,
          .request = rotation.request,
          .current = rotation.current,
          .reason = rotation.reason,
          .message = rotation.message};
}

}  // namespace

Credentials first_signing_keys(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings,
                               SystemTime now) {
  Credentials out;
  const bool active = !cluster.spec.paused && !cluster.deleting;
  if (active && keys_secret(cluster, observed, "") == nullptr) make_first(cluster, observed, settings, now, out);
  return out;
}

Credentials plan_credentials(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings,
                             const std::vector<RelayPod>& pods, const ClusterHealth& health, SystemTime now) {
  Credentials out{.held = observed.memory.keys};
  const bool active = !cluster.spec.paused && !cluster.deleting;
  const json* secret = keys_secret(cluster, observed, "");
  if (secret == nullptr) {
    if (active) make_first(cluster, observed, settings, now, out);
  } else if (auto keys = read_keys(*secret); !keys) {
    stop(out, "SigningKeysUnreadable", keys.error());
  } else {
    const auto record = parse_rotation_record(annotation_of(*secret, rotation_annotation));
    out.held = {.cluster_uid = cluster.uid, .keys = *keys, .record = record};
    auto rotation = rotate({.keys = *keys,
                            .record = record,
                            .ttl = cluster.spec.credentials.ttl,
                            .every = cluster.spec.credentials.rotate_every,
                            .rotate = request(observed, rotate_annotation),
                            .revoke = request(observed, revoke_annotation),
                            .supplied = supplied_secret(cluster, observed),
                            .monitor_heard = health.heard,
                            .relays = serving_relays(pods, health, observed),
                            .out_of_reach = out_of_reach(cluster, observed),
                            .now = now,
                            .steady = observed.steady,
                            .sights = observed.memory.sights,
                            .new_secret = settings.new_secret});
    if (active) out.notices = notices_of(*keys, rotation.keys);
    out.wanted.push_back(over(secret, {"", secret_of(cluster, rotation.keys, rotation.record)}));
    for (const auto& site : sites_of(cluster)) {
      if (site.empty() || observed.unreachable.contains(site)) continue;
      out.wanted.push_back(
          over(keys_secret(cluster, observed, site), place(cluster, site, signing_keys_secret(cluster, *keys))));
    }
    out.keys = std::move(*keys);
    out.status = status_of(rotation);
    out.sights = std::move(rotation.sights);
    if (active) out.look_again = rotation.look_again;
    return out;
  }
  // Without the keys, their copies are right as they are.
  for (const auto& child : observed.children) {
    const json* copy = keys_secret(cluster, observed, child.site);
    if (copy == &child.object) out.wanted.push_back(child);
  }
  return out;
}

}  // namespace turnkeeper::op
