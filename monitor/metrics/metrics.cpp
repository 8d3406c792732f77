#include "monitor/metrics/metrics.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "monitor/metrics/counted.hpp"
#include "monitor/metrics/families.hpp"
#include "monitor/metrics/process_metrics.hpp"

namespace turnkeeper::monitor {
namespace {

std::string_view rotation_phase(const api::SigningKeys& keys) {
  using Key = api::SigningKey::Phase;
  const auto any = [&](Key phase) { return std::ranges::find(keys, phase, &api::SigningKey::phase) != keys.end(); };
  if (any(Key::staged)) return rotation_phases[1];
  if (any(Key::removed)) return rotation_phases[3];
  return any(Key::retiring) ? rotation_phases[2] : rotation_phases[0];
}

constexpr std::array<double, 12> phase_bounds = {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5};
constexpr std::array<double, 12> failover_bounds = {.1, .2, .3, .4, .5, .75, 1, 1.5, 2, 5, 10, 30};
constexpr auto cache_time = std::chrono::seconds(1);
constexpr std::size_t most_reasons = 24;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string comma(std::string text) {
  return text + ',';
}

}  // namespace

class Metrics::Impl {
 public:
  Impl(const std::string& vantage, const Clock& clock)
      : clock_(clock), counted_{.vantage = label("vantage", vantage)} {}

  void set_fleet(const Fleet& fleet) {
    std::set<RelayId> relays;
    std::set<RegionKey> regions;
    std::set<std::string> names;
    for (const auto& cluster : fleet.clusters) {
      names.insert(cluster.name);
      auto& to = counted_.clusters[cluster.name];
      to.labels = comma(label("cluster", cluster.name)) + counted_.vantage;
      const auto* key = api::issuing_key(cluster.signing_keys);
      to.key_created = key ? key->created : SystemTime{};
      to.rotate_every = cluster.rotate_every;
      to.rotation = rotation_phase(cluster.signing_keys);
      for (const auto& region : cluster.regions) {
        regions.insert({cluster.name, region.name});
        auto& known = counted_.regions[{cluster.name, region.name}];
        known.labels = comma(label("cluster", cluster.name)) + comma(label("region", region.name)) + counted_.vantage;
        for (const auto& relay : region.relays) add_relay(relays, {cluster.name, region.name, relay.name}, relay);
      }
    }
    std::erase_if(counted_.clusters, [&](const auto& entry) { return !names.contains(entry.first); });
    std::erase_if(counted_.regions, [&](const auto& entry) { return !regions.contains(entry.first); });
    std::erase_if(counted_.relays, [&](const auto& entry) { return !relays.contains(entry.first); });
    forget_text();
  }

  RelaySeries* series(const RelayId& id) {
    auto* known = find(id);
    return known ? &known->echoes : nullptr;
  }

  void probed(const RelayId& id, const ProbeResult& result) {
    auto* known = find(id);
    if (!known) return;
    const std::string transport(turn::protocol_name(result.endpoint.protocol));
    auto& probes = known->probes[transport];
    probes.success = result.ok;
    probes.phases = result.phases;
    probes.cause = result.cause;
    if (result.certificate) probes.certificate_expiry = result.certificate->not_after;
    if (!result.ok) ++probes.failures[result.cause];
    auto& region = counted_.regions[{id.cluster, id.region}];
    for (const auto& [phase, took] : result.phases) {
      region.phases.try_emplace({transport, phase}, phase_bounds).first->second.observe(seconds(took));
    }
  }

  void agent_said(const RelayId& id, const AgentState* state) {
    auto* known = find(id);
    if (!known) return;
    known->sessions = state ? state->sessions : std::nullopt;
    known->sent_bytes = state ? state->sent_bytes : std::nullopt;
    known->received_bytes = state ? state->received_bytes : std::nullopt;
  }

  void judged(const RelayId& id, api::Verdict verdict, api::Cause cause) {
    if (auto* known = find(id)) {
      known->verdict = verdict;
      known->cause = cause;
    }
  }

  void served(const std::string& cluster, const std::string& name, const std::string& by, api::Cause cause) {
    auto* region = find(cluster, name);
    if (!region) return;
    region->serving = !by.empty();
    region->backup = by == name ? std::string() : by;
    region->failover_cause = cause;
  }
  void set_distances(const std::string& cluster, const std::string& name,
                     std::map<std::string, std::chrono::nanoseconds> round_trips) {
    if (auto* region = find(cluster, name)) region->distances = std::move(round_trips);
  }
  void failed_over(const std::string& cluster, const std::string& name, api::Cause cause) {
    if (auto* region = find(cluster, name)) ++region->failovers[cause];
  }
  void pushed_after(const std::string& cluster, const std::string& name, std::chrono::nanoseconds time) {
    auto* region = find(cluster, name);
    if (!region) return;
    if (!region->failover_time) region->failover_time.emplace(failover_bounds);
    region->failover_time->observe(seconds(time));
  }
  void issued(const std::string& cluster, const std::string& name, std::string_view api) {
    if (auto* region = find(cluster, name)) ++region->issued[std::string(api)];
  }
  void rejected(std::string_view reason) {
    if (counted_.rejected.size() < most_reasons || counted_.rejected.contains(std::string(reason)))
      ++counted_.rejected[std::string(reason)];
  }
  void set_push_clients(const std::string& cluster, const std::string& name, std::size_t count) {
    if (auto* region = find(cluster, name)) region->push_clients = count;
  }
  void set_blind(bool blind) { counted_.blind = blind; }
  void set_peers(std::size_t known, std::size_t connected) { counted_.peers = {known, connected}; }
  void set_operator_connected(bool connected) { counted_.operator_connected = connected; }
  void config_loaded(bool ok) {
    counted_.config_ok = ok;
    if (ok) counted_.config_loaded = clock_.system();
  }
  void set_notifications(const std::string& receiver, std::array<std::uint64_t, 4> counts) {
    counted_.notifications[receiver] = counts;
  }
  void set_providers(std::vector<ProviderStatus> providers) {
    counted_.providers.clear();
    for (auto& provider : providers) {
      const auto labels = comma(label("cluster", provider.cluster)) + comma(label("provider", provider.name)) +
                          comma(label("type", provider.type)) + counted_.vantage;
      counted_.providers.insert_or_assign(labels, std::move(provider));
    }
  }
  void set_incidents(const std::string& cluster, std::string_view scope, std::size_t open) {
    const auto found = counted_.clusters.find(cluster);
    if (found != counted_.clusters.end()) found->second.incidents[std::string(scope)] = open;
  }

  void write_also(std::function<void(Exposition&)> families) { more_ = std::move(families); }

  const std::string& exposition(ExpositionFormat format) {
    const auto now = clock_.steady();
    auto& cached = cache_[static_cast<std::size_t>(format)];
    if (cached.text.empty() || now - cached.made >= cache_time) {
      cached.text = render(format, cached.size);
      cached.size = cached.text.size();
      cached.made = now;
    }
    return cached.text;
  }

  void on_time() {
    const auto now = clock_.steady();
    for (auto& cached : cache_) {
      if (now - cached.made >= cache_time) std::string().swap(cached.text);  // an assignment would keep the memory
    }
  }

 private:
  using RegionKey = std::pair<std::string, std::string>;

  struct Cached {
    std::string text;
    std::size_t size = 0;  // of the last one
    SteadyTime made;
  };

  void add_relay(std::set<RelayId>& present, const RelayId& id, const monitor::Relay& relay) {
    present.insert(id);
    auto& known = counted_.relays[id];
    known.labels = comma(label("cluster", id.cluster)) + comma(label("region", id.region)) +
                   comma(label("relay", id.relay)) + counted_.vantage;
    const auto protocol = canary_uri(relay).protocol().value_or(turn::Protocol::udp);
    known.canary_transport = label("transport", turn::protocol_name(protocol));
    // A transport that is no longer probed says nothing any more.
    std::set<std::string> transports;
    for (const auto& uri : relay.uris) {
      const auto of_uri = uri.protocol();
      if (!of_uri) return;  // any
      transports.emplace(turn::protocol_name(*of_uri));
    }
    std::erase_if(known.probes, [&](const auto& entry) { return !transports.contains(entry.first); });
  }

  CountedRelay* find(const RelayId& id) {
    const auto found = counted_.relays.find(id);
    return found == counted_.relays.end() ? nullptr : &found->second;
  }
  CountedRegion* find(const std::string& cluster, const std::string& region) {
    const auto found = counted_.regions.find({cluster, region});
    return found == counted_.regions.end() ? nullptr : &found->second;
  }
  void forget_text() {
    for (auto& cached : cache_) cached.text.clear();
  }

  std::string render(ExpositionFormat format, std::size_t last_size) const {
    Exposition text(format, last_size + last_size / 8);
    write_families(text, counted_, clock_.system());
    if (more_) more_(text);
    write_process_metrics(text);
    return text.finish();
  }

  const Clock& clock_;
  Counted counted_;
  std::function<void(Exposition&)> more_;
  std::array<Cached, 2> cache_;
};

Metrics::Metrics(const std::string& vantage, const Clock& clock) : impl_(std::make_unique<Impl>(vantage, clock)) {}
Metrics::~Metrics() = default;

void Metrics::set_fleet(const Fleet& fleet) {
  impl_->set_fleet(fleet);
}
RelaySeries* Metrics::series(const RelayId& relay) {
  return impl_->series(relay);
}
void Metrics::probed(const RelayId& relay, const ProbeResult& result) {
  impl_->probed(relay, result);
}
void Metrics::agent_said(const RelayId& relay, const AgentState* state) {
  impl_->agent_said(relay, state);
}
void Metrics::judged(const RelayId& relay, api::Verdict verdict, api::Cause cause) {
  impl_->judged(relay, verdict, cause);
}
void Metrics::served(const std::string& cluster, const std::string& region, const std::string& by, api::Cause cause) {
  impl_->served(cluster, region, by, cause);
}
void Metrics::set_distances(const std::string& cluster, const std::string& region,
                            std::map<std::string, std::chrono::nanoseconds> round_trips) {
  impl_->set_distances(cluster, region, std::move(round_trips));
}

void Metrics::failed_over(const std::string& cluster, const std::string& region, api::Cause cause) {
  impl_->failed_over(cluster, region, cause);
}
void Metrics::pushed_after(const std::string& cluster, const std::string& region, std::chrono::nanoseconds time) {
  impl_->pushed_after(cluster, region, time);
}
void Metrics::issued(const std::string& cluster, const std::string& region, std::string_view api) {
  impl_->issued(cluster, region, api);
}
void Metrics::rejected(std::string_view reason) {
  impl_->rejected(reason);
}
void Metrics::set_push_clients(const std::string& cluster, const std::string& region, std::size_t count) {
  impl_->set_push_clients(cluster, region, count);
}
void Metrics::set_blind(bool blind) {
  impl_->set_blind(blind);
}
void Metrics::set_peers(std::size_t known, std::size_t connected) {
  impl_->set_peers(known, connected);
}
void Metrics::set_operator_connected(bool connected) {
  impl_->set_operator_connected(connected);
}
void Metrics::config_loaded(bool ok) {
  impl_->config_loaded(ok);
}
void Metrics::set_notifications(const std::string& receiver, std::uint64_t sent, std::uint64_t failed,
                                std::uint64_t dropped, std::uint64_t held) {
  impl_->set_notifications(receiver, {sent, failed, dropped, held});
}
void Metrics::set_providers(std::vector<ProviderStatus> providers) {
  impl_->set_providers(std::move(providers));
}
void Metrics::set_incidents(const std::string& cluster, std::string_view scope, std::size_t open) {
  impl_->set_incidents(cluster, scope, open);
}
void Metrics::write_also(std::function<void(Exposition&)> families) {
  impl_->write_also(std::move(families));
}
void Metrics::on_time() {
  impl_->on_time();
}
const std::string& Metrics::exposition(ExpositionFormat format) {
  return impl_->exposition(format);
}

}  // namespace turnkeeper::monitor
