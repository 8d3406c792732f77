#include "monitor/ice/ice_table.hpp"

#include <algorithm>

#include "monitor/verdict/backup_order.hpp"
#include "monitor/verdict/judge.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;
using Kind = IceFailure::Kind;

constexpr auto shortest_ttl = std::chrono::seconds(60);

tl::unexpected<IceFailure> refuse(IceFailure::Kind kind, std::string message, std::string advice) {
  return tl::unexpected(IceFailure{kind, {std::move(message), std::move(advice)}});
}

bool is_identifier(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-@+=~").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, allowed);
}

// The finalizer of MurmurHash3.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

// FNV-1a: the same on every monitor, whatever its build.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mixed(hash);
}

// UDP is what media wants; TCP and TLS get through firewalls; browsers know no DTLS here. The first of each before the
// second of any, and TLS on 443 before TLS elsewhere.
std::vector<const turn::Uri*> in_order_of_use(const std::vector<turn::Uri>& uris) {
  std::array<std::vector<const turn::Uri*>, 4> kinds;
  for (const auto& uri : uris) {
    const bool secure = uri.scheme == turn::Uri::Scheme::turns;
    const bool tcp = uri.transport == turn::Uri::Transport::tcp;
    const bool dtls = secure && uri.transport == turn::Uri::Transport::udp;
    kinds.at(dtls ? 3 : secure ? 2 : tcp ? 1 : 0).push_back(&uri);
  }
  std::ranges::stable_partition(kinds[2], [](const auto* uri) { return uri->port == 443; });
  std::vector<const turn::Uri*> ordered;
  for (std::size_t rank = 0; ordered.size() < uris.size(); ++rank) {
    for (const auto& kind : kinds) {
      if (rank < kind.size()) ordered.push_back(kind[rank]);
    }
  }
  return ordered;
}

// Those that are proven to work; when none is, those that nothing is known against; else all. Once a probe has proven
// anything, the canary's standing allocation counts as a proof too.
std::vector<const turn::Uri*> good_uris(const RelayId& id, const Relay& relay, Verdict verdict,
                                        const ProofLookup& proof_of) {
  auto uris = in_order_of_use(relay.uris);
  if (!proof_of) return uris;
  const auto with = [&](Proof wanted) {
    std::vector<const turn::Uri*> found;
    std::ranges::copy_if(uris, std::back_inserter(found),
                         [&](const auto* uri) { return proof_of(id, *uri) == wanted; });
    return found;
  };
  const auto unproven = with(Proof::unproven);
  auto good = with(Proof::works);
  if (good.empty()) return unproven.empty() ? uris : unproven;
  if (usable(verdict) && std::ranges::count(unproven, &canary_uri(relay)))
    good.insert(good.begin(), &canary_uri(relay));
  return good;
}

}  // namespace

const IceTable::Group& IceTable::Place::group(Verdict verdict) const {
  return groups.at(static_cast<std::size_t>(verdict));
}

std::uint64_t affinity(const IceRequest& request) {
  return hash_of(request.session.empty() ? request.user : request.session);
}

IceTable::IceTable(const Cluster& cluster, const VerdictLookup& verdict_of, const ProofLookup& proof_of, SystemTime now,
                   const IceOptions& options)
    : name_(cluster.name),
      ttl_(cluster.credential_ttl),
      use_(cluster.provider_use),
      limit_(options.turn_urls),
      stun_(cluster.stun_servers) {
  if (const auto* key = api::issuing_key(cluster.signing_keys)) {
    key_ = key->id;
    signer_ = turn::IntegrityKey(key->secret.reveal(), turn::IntegrityAlgorithm::sha1);
  }
  for (const auto& region : cluster.regions) {
    auto& place = regions_.emplace_back();
    place.name = region.name;
    place.external = region.external;
    place.cost = region.cost_per_gigabyte;
    place.names_backups = !region.backups.empty();
    for (const auto& relay : region.relays) {
      const auto* provided = std::get_if<ProvidedCredential>(&relay.credential);
      const bool expired = provided && provided->expires <= now;
      if (provided && !expired) valid_until_ = std::min(valid_until_, provided->expires);
      const auto verdict = relay.draining ? Verdict::draining
                           : expired      ? Verdict::unhealthy
                                          : verdict_of({cluster.name, region.name, relay.name});
      add(cluster, relay, regions_.size() - 1, verdict, proof_of);
    }
  }
  for (std::size_t own = 0; own < regions_.size(); ++own) {
    if (regions_[own].external) continue;
    regions_[own].ours = backups(cluster, own);
    regions_[own].order = with_external(regions_[own].ours);
  }
  nowhere_.order = with_external({});
}

IceTable::Way IceTable::way_of(const turn::Uri& uri) {
  if (uri.scheme == turn::Uri::Scheme::turns) {
    if (uri.transport == turn::Uri::Transport::udp) return other;
    return uri.port == 443 ? tls_443 : tls;
  }
  return uri.transport == turn::Uri::Transport::tcp ? tcp : other;
}

std::uint64_t IceTable::weight(const Entry& entry, std::uint64_t affinity) {
  return mixed(affinity ^ entry.hash);
}

void IceTable::add(const Cluster& cluster, const Relay& relay, std::size_t region, Verdict verdict,
                   const ProofLookup& proof_of) {
  Entry entry{.name = relay.name, .region = region, .hash = hash_of(relay.name), .urls = {}, .credential = {}};
  for (const auto* uri : good_uris({cluster.name, regions_[region].name, relay.name}, relay, verdict, proof_of)) {
    entry.urls.push_back({uri->to_string(), way_of(*uri)});
  }
  note_standing(relay, &entry, verdict);
  if (const auto* fixed = std::get_if<StaticCredential>(&relay.credential)) {
    entry.credential = *fixed;
  } else if (const auto* provided = std::get_if<ProvidedCredential>(&relay.credential)) {
    entry.credential = *provided;
  } else if (const auto* shared = std::get_if<SharedSecret>(&relay.credential)) {
    entry.credential = turn::IntegrityKey(shared->secret.reveal(), turn::IntegrityAlgorithm::sha1);
  } else if (!signer_.empty()) {
    entry.credential = signer_;
    entry.cluster_key = true;
  } else {
    lacks_key_ = true;
    return;
  }
  auto& group = regions_[region].groups.at(static_cast<std::size_t>(verdict));
  for (const auto& url : entry.urls) group.ways.at(url.way) = true;
  group.entries.push_back(std::move(entry));
}

void IceTable::note_standing(const Relay& relay, const Entry* entry, Verdict verdict) {
  const auto note = [&](const std::string& url, Standing standing) {
    const auto [at, is_new] = standings_.emplace(url_hash(url), standing);
    if (!is_new) at->second = std::min(at->second, standing);  // several relays behind one address
  };
  for (const auto& uri : relay.uris) note(uri.to_string(), Standing::bad);
  if (verdict == Verdict::unhealthy) return;
  for (const auto& url : entry->urls) {
    note(url.text, verdict == Verdict::draining ? Standing::draining : Standing::good);
  }
}

std::vector<std::size_t> IceTable::backups(const Cluster& cluster, std::size_t own) const {
  std::vector<std::size_t> order{own};
  for (const auto& name : backup_order(cluster, cluster.regions[own])) {
    const auto found = std::ranges::find(regions_, name, &Place::name);
    const auto region = static_cast<std::size_t>(found - regions_.begin());
    if (found != regions_.end() && std::ranges::count(order, region) == 0) order.push_back(region);
  }
  return order;
}

std::vector<std::size_t> IceTable::with_external(std::vector<std::size_t> own) const {
  auto order = std::move(own);
  for (std::size_t region = 0; region < regions_.size(); ++region) {
    if (regions_[region].external && !std::ranges::count(order, region)) order.push_back(region);
  }
  if (use_ == ProviderUse::cheapest) {
    std::ranges::stable_sort(order, {}, [&](std::size_t region) { return regions_[region].cost; });
  }
  // A client gathers candidates from whatever is on its list, and may call by any of them: what is there for the worst
  // case is not on it before, somebody bills it.
  const bool external_first = use_ == ProviderUse::only;
  const auto preferred = [&](std::size_t region) { return regions_[region].external == external_first; };
  if (use_ == ProviderUse::cheapest) return order;
  std::ranges::stable_partition(order, preferred);
  if (std::ranges::any_of(order, [&](std::size_t region) { return preferred(region) && regions_[region].usable(); })) {
    std::erase_if(order, [&](std::size_t region) { return !preferred(region); });
  }
  return order;
}

IceResult<const IceTable::Place*> IceTable::place_of(const IceRequest& request) const {
  const auto ours = [](const Place& place) { return !place.external; };
  if (!request.region.empty()) {
    const auto found = std::ranges::find(regions_, request.region, &Place::name);
    if (found != regions_.end() && ours(*found)) return &*found;
    std::string names;
    for (const auto& place : regions_) {
      if (ours(place)) names += (names.empty() ? "" : ", ") + place.name;
    }
    return refuse(Kind::not_found, "cluster " + name_ + " has no region \"" + request.region + "\"",
                  names.empty() ? "leave the region out" : "choose one of " + names);
  }
  const Place* nearest = nullptr;
  auto least = std::chrono::milliseconds::max();
  for (const auto& place : regions_) {
    if (!ours(place)) continue;
    const auto measured = request.rtts.find(place.name);
    const auto rtt = measured == request.rtts.end() ? std::chrono::milliseconds::max() : measured->second;
    if (nearest && rtt >= least) continue;
    nearest = &place;
    least = rtt;
  }
  return nearest ? nearest : &nowhere_;
}

std::vector<std::size_t> IceTable::nearest_first(const Place& own, const IceRequest& request) const {
  auto order = own.ours;
  std::ranges::stable_sort(order, {}, [&](std::size_t region) {
    if (&regions_[region] == &own) return std::chrono::milliseconds::min();
    const auto measured = request.rtts.find(regions_[region].name);
    return measured == request.rtts.end() ? std::chrono::milliseconds::max() : measured->second;
  });
  return with_external(std::move(order));
}

IceResult<IceConfig> IceTable::make(const IceRequest& request, SystemTime now) const {
  const std::string_view alphabet = "use 1 to 128 letters, digits and . _ - @ + = ~";
  if (request.user.empty()) {
    return refuse(Kind::bad_request, "the request names no user", "add user=NAME: credentials are made for one user");
  }
  if (!is_identifier(request.user)) {
    return refuse(Kind::bad_request, "the user is malformed", std::string(alphabet));
  }
  if (!request.session.empty() && !is_identifier(request.session)) {
    return refuse(Kind::bad_request, "the session is malformed", std::string(alphabet));
  }
  const auto own = place_of(request);
  if (!own) return tl::unexpected(own.error());

  const auto affinity = monitor::affinity(request);
  const bool by_rtt = !request.rtts.empty() && !(*own)->names_backups && *own != &nowhere_;
  const auto chosen = choose(groups(by_rtt ? nearest_first(**own, request) : (*own)->order), affinity);
  if (chosen.empty() && lacks_key_) {
    return refuse(Kind::unavailable, "cluster " + name_ + " has no signing key that issues credentials",
                  "see the operator's log and the cluster's Secret of signing keys");
  }

  const SystemTime issued = std::chrono::floor<std::chrono::seconds>(now);
  const auto ttl = std::min(ttl_, std::max(request.ttl.value_or(ttl_), shortest_ttl));
  IceConfig config{.servers = {},
                   .expires = issued + ttl,
                   .refresh_at = {},
                   .cluster = name_,
                   .region = (*own)->name,
                   .served_by = chosen.empty() ? std::string() : regions_[chosen[0].entry->region].name};
  config.servers.reserve(chosen.size() + 1);
  std::optional<turn::Credential> ours;  // one signature is for all of our relays
  for (const auto& choice : chosen) {
    const Entry& entry = *choice.entry;
    IceServer& server = config.servers.emplace_back();
    server.relay = entry.name;
    server.region = regions_[entry.region].name;
    server.urls.reserve(choice.urls.size());
    for (const auto* url : choice.urls) server.urls.push_back(url->text);
    if (const auto* fixed = std::get_if<StaticCredential>(&entry.credential)) {
      server.username = fixed->username;
      server.credential = fixed->password;
    } else if (const auto* provided = std::get_if<ProvidedCredential>(&entry.credential)) {
      server.username = provided->username;
      server.credential = provided->password;
      config.expires = std::max(issued, std::min(config.expires, provided->expires));
    } else if (entry.cluster_key) {
      if (!ours) ours = turn::time_limited_credential(signer_, request.user, issued + ttl);
      server.username = ours->username;
      server.credential = ours->password;
      config.key = key_;
    } else {
      auto theirs =
          turn::time_limited_credential(std::get<turn::IntegrityKey>(entry.credential), request.user, issued + ttl);
      server.username = std::move(theirs.username);
      server.credential = std::move(theirs.password);
    }
  }
  if (!stun_.empty() && !request.relay_only) config.servers.push_back({.urls = stun_});
  // Three quarters of the life, and for each user a little earlier, so that those who came together do not all ask
  // again together.
  const auto life = config.expires - issued;
  config.refresh_at = issued + life * 3 / 4 - life / 20 * static_cast<int>(hash_of(request.user) % 256) / 256;
  return config;
}

Standing IceTable::standing(UrlHash url) const {
  const auto found = standings_.find(url);
  return found == standings_.end() ? Standing::gone : found->second;
}

}  // namespace turnkeeper::monitor
