#include "monitor/provider/providers.hpp"

#include <algorithm>

#include "monitor/provider/asker.hpp"
#include "monitor/provider/provider_config.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

using Type = ProviderConfig::Type;

std::string host_label(const std::string& host) {
  std::string label = host;
  for (char& c : label) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain) c = '-';
  }
  return label;
}

CredentialSource credential_of(const ProviderConfig& config, const Provided::Server& server, SystemTime expires) {
  if (config.type == Type::shared_secret) return SharedSecret{.secret = config.secret, .old = {}};
  if (config.type == Type::static_list) return StaticCredential{server.username, server.password};
  return ProvidedCredential{config.name, server.username, server.password, expires};
}

std::vector<Relay> relays_of(const ProviderConfig& config, const Provided& provided) {
  std::vector<Relay> relays;
  for (const auto& server : provided.servers) {
    Relay& relay = relays.emplace_back(Relay{.name = config.name, .uris = server.uris});
    if (provided.servers.size() > 1) relay.name += '-' + host_label(server.uris.front().host);
    const auto same = std::ranges::count(relays, relay.name, &Relay::name);
    if (same > 1) relay.name += '-' + std::to_string(same);  // two users on one host
    relay.credential = credential_of(config, server, provided.expires);
    if (config.probe_every.count() > 0) {
      relay.probing = api::Probing{.canary = std::chrono::milliseconds(0), .full = config.probe_every};
    }
  }
  return relays;
}

Region& region_for(const ProviderConfig& config, std::vector<Region>& regions) {
  const bool external = config.in_region.empty();
  const auto& name = external ? config.name : config.in_region;
  const auto found = std::ranges::find(regions, name, &Region::name);
  if (found != regions.end()) return *found;
  return regions.emplace_back(
      Region{.name = name, .external = external, .cost_per_gigabyte = config.cost_per_gigabyte});
}

}  // namespace

Providers::Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change,
                     Pace pace)
    : executor_(std::move(executor)),
      clock_(clock),
      pace_(pace),
      on_change_(std::make_shared<std::function<void()>>(std::move(on_change))) {}

Providers::Providers(boost::asio::any_io_executor executor, const Clock& clock, std::function<void()> on_change)
    : Providers(std::move(executor), clock, std::move(on_change), Pace{}) {}

Providers::~Providers() {
  for (auto& entry : entries_) {
    if (entry.asker) entry.asker->stop();
  }
}

Providers::Entry Providers::entry_of(const std::string& cluster, const ProviderConfig& config,
                                     const std::vector<Entry>& others) const {
  Entry entry{.cluster = cluster, .config = config, .asker = {}, .given = {}, .trouble = {}};
  if (config.secret.empty() && config.type != Type::turn_rest) {
    log::warn("the provider has no secret", {{"provider", config.name}, {"cluster", cluster}});
    entry.trouble = "it has no secret; write one into the Secret or the file that it names";
    return entry;
  }
  if (is_credential_api(config.type)) {
    const auto before = std::ranges::find_if(entries_, [&](const Entry& other) {
      return other.cluster == cluster && other.config.name == config.name && other.config.type == config.type;
    });
    if (const auto* had = before == entries_.end() ? nullptr : provided_by(*before)) entry.given = *had;
    for (const auto* known : {&entries_, &others}) {
      const auto same = std::ranges::find_if(
          *known, [&](const Entry& other) { return other.asker && other.asker->asks_for(config); });
      if (same != known->end()) entry.asker = same->asker;
    }
    if (!entry.asker) {
      entry.asker = std::make_shared<Asker>(config, clock_, pace_);
      entry.asker->start(executor_, on_change_);
    }
    return entry;
  }
  auto servers = given_servers(config);
  if (servers) {
    entry.given = std::move(*servers);
  } else {
    entry.trouble = servers.error().text();
    log::warn("the provider gives no credential", {{"provider", config.name}, {"error", entry.trouble}});
  }
  return entry;
}

void Providers::set(const Fleet& fleet) {
  std::vector<Entry> next;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& config : cluster.providers) {
      const auto same = std::ranges::find_if(
          entries_, [&](const Entry& entry) { return entry.cluster == cluster.name && entry.config == config; });
      next.push_back(same != entries_.end() ? *same : entry_of(cluster.name, config, next));
    }
  }
  std::swap(entries_, next);
  std::erase_if(leaving_, [](const auto& asker) { return asker->ended(); });
  for (const auto& entry : next) {
    const auto& asker = entry.asker;
    if (!asker || std::ranges::find(entries_, asker, &Entry::asker) != entries_.end()) continue;
    asker->stop();
    if (std::ranges::find(leaving_, asker) == leaving_.end()) leaving_.push_back(asker);
  }
}

const Provided* Providers::provided_by(const Entry& entry) const {
  const auto& provided = entry.asker && entry.asker->provided ? entry.asker->provided : entry.given;
  return provided && provided->expires > clock_.system() ? &*provided : nullptr;
}

Fleet Providers::complete(Fleet fleet) const {
  for (const auto& entry : entries_) {
    const auto cluster = std::ranges::find(fleet.clusters, entry.cluster, &Cluster::name);
    const auto* provided = provided_by(entry);
    if (cluster == fleet.clusters.end() || !provided) continue;
    auto& region = region_for(entry.config, cluster->regions);
    for (auto& relay : relays_of(entry.config, *provided)) region.relays.push_back(std::move(relay));
  }
  return fleet;
}

std::vector<ProviderStatus> Providers::status() const {
  std::vector<ProviderStatus> all;
  for (const auto& entry : entries_) {
    auto& status = all.emplace_back(ProviderStatus{
        .cluster = entry.cluster, .name = entry.config.name, .type = provider_type_name(entry.config.type)});
    const auto* provided = provided_by(entry);
    status.up = provided != nullptr;
    status.trouble = entry.asker ? entry.asker->trouble : entry.trouble;
    if (!entry.asker) continue;
    status.breaker = breaker_state_name(entry.asker->breaker);
    status.up = status.up && entry.asker->well;
    status.answered = entry.asker->answered;
    status.failed = entry.asker->failed;
    if (provided) status.expires = provided->expires;
  }
  return all;
}

bool Providers::asked_all() const {
  return std::ranges::all_of(
      entries_, [](const Entry& entry) { return !entry.asker || entry.asker->answered + entry.asker->failed > 0; });
}

}  // namespace turnkeeper::monitor
