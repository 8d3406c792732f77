#include "monitor/metrics/metrics.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "monitor/metrics/process_metrics.hpp"
#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

using Type = Exposition::Type;

// As in the TurnCluster's status, as far as the keys alone tell.
constexpr std::array<std::string_view, 4> rotation_phases{"Idle", "Proving", "WaitingOutTtl", "ProvingRefusal"};

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
  Impl(const std::string& vantage, const Clock& clock) : clock_(clock), vantage_(label("vantage", vantage)) {}

  void set_fleet(const Fleet& fleet) {
    std::set<RelayId> relays;
    std::set<RegionKey> regions;
    std::set<std::string> names;
    for (const auto& cluster : fleet.clusters) {
      names.insert(cluster.name);
      auto& to = clusters_[cluster.name];
      to.labels = comma(label("cluster", cluster.name)) + vantage_;
      const auto* key = api::issuing_key(cluster.signing_keys);
      to.key_created = key ? key->created : SystemTime{};
      to.rotate_every = cluster.rotate_every;
      to.rotation = rotation_phase(cluster.signing_keys);
      for (const auto& region : cluster.regions) {
        regions.insert({cluster.name, region.name});
        auto& known = regions_[{cluster.name, region.name}];
        known.labels = comma(label("cluster", cluster.name)) + comma(label("region", region.name)) + vantage_;
        for (const auto& relay : region.relays) add_relay(relays, {cluster.name, region.name, relay.name}, relay);
      }
    }
    std::erase_if(clusters_, [&](const auto& entry) { return !names.contains(entry.first); });
    std::erase_if(regions_, [&](const auto& entry) { return !regions.contains(entry.first); });
    std::erase_if(relays_, [&](const auto& entry) { return !relays.contains(entry.first); });
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
    auto& region = regions_[{id.cluster, id.region}];
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
    if (rejected_.size() < most_reasons || rejected_.contains(std::string(reason))) ++rejected_[std::string(reason)];
  }
  void set_push_clients(const std::string& cluster, const std::string& name, std::size_t count) {
    if (auto* region = find(cluster, name)) region->push_clients = count;
  }
  void set_blind(bool blind) { blind_ = blind; }
  void set_peers(std::size_t known, std::size_t connected) { peers_ = {known, connected}; }
  void set_operator_connected(bool connected) { operator_connected_ = connected; }
  void config_loaded(bool ok) {
    config_ok_ = ok;
    if (ok) config_loaded_ = clock_.system();
  }
  void set_notifications(const std::string& receiver, std::array<std::uint64_t, 4> counts) {
    notifications_[receiver] = counts;
  }
  void set_providers(std::vector<ProviderStatus> providers) {
    providers_.clear();
    for (auto& provider : providers) {
      const auto labels = comma(label("cluster", provider.cluster)) + comma(label("provider", provider.name)) +
                          comma(label("type", provider.type)) + vantage_;
      providers_.insert_or_assign(labels, std::move(provider));
    }
  }
  void set_incidents(const std::string& cluster, std::string_view scope, std::size_t open) {
    const auto found = clusters_.find(cluster);
    if (found != clusters_.end()) found->second.incidents[std::string(scope)] = open;
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

  // Full probes of one relay over one transport.
  struct Probes {
    bool success = false;
    api::Cause cause = api::Cause::none;
    std::vector<std::pair<Phase, std::chrono::nanoseconds>> phases;  // of the newest one
    std::map<api::Cause, std::uint64_t> failures;
    std::optional<SystemTime> certificate_expiry;
  };
  struct Relay {
    std::string labels;            // cluster, region, relay, vantage
    std::string canary_transport;  // transport="udp"
    RelaySeries echoes;
    std::map<std::string, Probes> probes;
    api::Verdict verdict = api::Verdict::unknown;
    api::Cause cause = api::Cause::none;
    std::optional<std::uint32_t> sessions;
    std::optional<std::uint64_t> sent_bytes;
    std::optional<std::uint64_t> received_bytes;
  };
  struct Region {
    std::string labels;
    std::map<std::pair<std::string, Phase>, Histogram<12>> phases;
    std::optional<bool> serving;
    std::string backup;
    api::Cause failover_cause = api::Cause::none;
    std::map<api::Cause, std::uint64_t> failovers;
    std::optional<Histogram<12>> failover_time;
    std::map<std::string, std::uint64_t> issued;
    std::optional<std::size_t> push_clients;
  };
  struct Cluster {
    std::string labels;
    SystemTime key_created;
    std::chrono::seconds rotate_every{0};
    std::string_view rotation = rotation_phases.front();
    std::map<std::string, std::size_t> incidents;
  };
  struct Cached {
    std::string text;
    std::size_t size = 0;  // of the last one
    SteadyTime made;
  };

  void add_relay(std::set<RelayId>& present, const RelayId& id, const monitor::Relay& relay) {
    present.insert(id);
    auto& known = relays_[id];
    known.labels = comma(label("cluster", id.cluster)) + comma(label("region", id.region)) +
                   comma(label("relay", id.relay)) + vantage_;
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

  Relay* find(const RelayId& id) {
    const auto found = relays_.find(id);
    return found == relays_.end() ? nullptr : &found->second;
  }
  Region* find(const std::string& cluster, const std::string& region) {
    const auto found = regions_.find({cluster, region});
    return found == regions_.end() ? nullptr : &found->second;
  }
  void forget_text() {
    for (auto& cached : cache_) cached.text.clear();
  }

  std::string render(ExpositionFormat format, std::size_t last_size) {
    Exposition text(format, last_size + last_size / 8);
    text.family("turnkeeper_build", Type::info, "The version is in the label.");
    text.sample(comma(label("program", "turnkeeper-monitor")) + label("version", version()), 1);
    write_relays(text);
    write_probes(text);
    write_echoes(text);
    write_regions(text);
    write_clusters(text);
    write_providers(text);
    write_vantage(text);
    if (more_) more_(text);
    write_process_metrics(text);
    return text.finish();
  }

  template <class Members, class Write>
  static void each(Exposition& text, std::string_view name, Type type, std::string_view help, const Members& members,
                   Write write) {
    text.family(name, type, help);
    for (const auto& [key, member] : members) write(member);
  }

  void write_relays(Exposition& text) {
    each(text, "turnkeeper_relay_verdict", Type::gauge, "1 for what a relay is now and why; one series for each relay.",
         relays_, [&](const Relay& relay) {
           std::string more = comma(label("verdict", api::verdict_name(relay.verdict)));
           text.sample(relay.labels, more + label("cause", api::cause_name(relay.cause)), 1);
         });
    each(text, "turnkeeper_relay_usable", Type::gauge,
         "Whether this vantage, on its own, can use a relay. Vantages may disagree; the verdict is of all of them.",
         relays_, [&](const Relay& relay) {
           if (relay.echoes.usable_) text.sample(relay.labels, *relay.echoes.usable_ ? 1 : 0);
         });
    each(text, "turnkeeper_relay_sessions", Type::gauge, "Live allocations of a relay, as its agent counts them.",
         relays_, [&](const Relay& relay) {
           if (relay.sessions) text.sample(relay.labels, *relay.sessions);
         });
    each(text, "turnkeeper_relay_bytes", Type::counter,
         "What a relay's machine sent and received since the agent's start, as the agent says.", relays_,
         [&](const Relay& relay) {
           const auto write = [&](const char* direction, const std::optional<std::uint64_t>& bytes) {
             if (bytes) text.sample(relay.labels, label("direction", direction), static_cast<double>(*bytes));
           };
           write("sent", relay.sent_bytes);
           write("received", relay.received_bytes);
         });
  }

  void write_providers(Exposition& text) {
    if (providers_.empty()) return;
    const auto each_provider = [&](std::string_view name, Type type, std::string_view help, auto write) {
      text.family(name, type, help);
      for (const auto& [labels, provider] : providers_) write(labels, provider);
    };
    each_provider(
        "turnkeeper_provider_up", Type::gauge,
        "Whether a provider has named relays and was well when it was last asked.",
        [&](const std::string& labels, const ProviderStatus& provider) { text.sample(labels, provider.up ? 1 : 0); });
    each_provider(
        "turnkeeper_provider_state", Type::gauge,
        "1 for how a credential API is asked: closed, as it should be; open, seldom, since it fails; half-open, "
        "to find out whether it is back.",
        [&](const std::string& labels, const ProviderStatus& provider) {
          if (!provider.breaker.empty()) text.sample(labels, label("state", provider.breaker), 1);
        });
    each_provider("turnkeeper_provider_requests", Type::counter, "Requests to a credential API, by result.",
                  [&](const std::string& labels, const ProviderStatus& provider) {
                    if (provider.breaker.empty()) return;
                    text.sample(labels, label("result", "ok"), static_cast<double>(provider.answered));
                    text.sample(labels, label("result", "failed"), static_cast<double>(provider.failed));
                  });
    each_provider("turnkeeper_provider_credential_expiry_timestamp_seconds", Type::gauge,
                  "When the credential that a credential API gave last expires, as Unix time.",
                  [&](const std::string& labels, const ProviderStatus& provider) {
                    if (provider.expires) text.sample(labels, static_cast<double>(unix_seconds(*provider.expires)));
                  });
  }

  template <class Write>
  void each_probe(Exposition& text, std::string_view name, Type type, std::string_view help, Write write) {
    text.family(name, type, help);
    for (const auto& [id, relay] : relays_) {
      for (const auto& [transport, probes] : relay.probes) {
        write(relay.labels + ',' + label("transport", transport), probes);
      }
    }
  }

  void write_probes(Exposition& text) {
    each_probe(text, "turnkeeper_probe_success", Type::gauge,
               "Whether the newest full probe of a relay over a transport succeeded.",
               [&](const std::string& labels, const Probes& probes) { text.sample(labels, probes.success ? 1 : 0); });
    each_probe(text, "turnkeeper_probe_cause", Type::gauge,
               "1, with what the newest full probe found wrong, also when it succeeded. No series otherwise.",
               [&](const std::string& labels, const Probes& probes) {
                 if (probes.cause == api::Cause::none) return;
                 text.sample(labels, label("cause", api::cause_name(probes.cause)), 1);
               });
    each_probe(text, "turnkeeper_probe_phase_seconds", Type::gauge,
               "How long each phase of the newest full probe took.",
               [&](const std::string& labels, const Probes& probes) {
                 for (const auto& [phase, took] : probes.phases) {
                   text.sample(labels, label("phase", phase_name(phase)), seconds(took));
                 }
               });
    each_probe(text, "turnkeeper_probe_failures", Type::counter, "Full probes that failed, by cause.",
               [&](const std::string& labels, const Probes& probes) {
                 for (const auto& [cause, count] : probes.failures) {
                   text.sample(labels, label("cause", api::cause_name(cause)), static_cast<double>(count));
                 }
               });
    each_probe(text, "turnkeeper_certificate_expiry_timestamp_seconds", Type::gauge,
               "When the certificate that a relay showed over a transport expires, as Unix time.",
               [&](const std::string& labels, const Probes& probes) {
                 if (!probes.certificate_expiry) return;
                 text.sample(labels, static_cast<double>(unix_seconds(*probes.certificate_expiry)));
               });
    text.family("turnkeeper_probe_duration_seconds", Type::histogram,
                "How long each phase of the full probes of a region's relays took.");
    for (const auto& [key, region] : regions_) {
      for (const auto& [of, times] : region.phases) {
        const auto labels = region.labels + ',' + comma(label("transport", of.first));
        text.histogram(labels + label("phase", phase_name(of.second)), times.bounds(), times.counts(), times.sum());
      }
    }
  }

  void write_echoes(Exposition& text) {
    each(text, "turnkeeper_echo_sent", Type::counter, "Echoes that the standing allocation on a relay sent to itself.",
         relays_, [&](const Relay& relay) {
           text.sample(relay.labels, relay.canary_transport, static_cast<double>(relay.echoes.sent_));
         });
    each(text, "turnkeeper_echo_lost", Type::counter, "Echoes that did not come back in time.", relays_,
         [&](const Relay& relay) {
           text.sample(relay.labels, relay.canary_transport, static_cast<double>(relay.echoes.lost_));
         });
    each(text, "turnkeeper_echo_seconds", Type::histogram, "Round trip of an echo through a relay.", relays_,
         [&](const Relay& relay) {
           const auto& echo = relay.echoes.echo_;
           text.histogram(relay.labels + ',' + relay.canary_transport, echo.bounds(), echo.counts(), echo.sum());
         });
  }

  void write_regions(Exposition& text) {
    each(text, "turnkeeper_region_serving", Type::gauge,
         "Whether anybody, the region itself or a backup, serves a region's clients.", regions_,
         [&](const Region& region) {
           if (region.serving) text.sample(region.labels, *region.serving ? 1 : 0);
         });
    each(text, "turnkeeper_failover_active", Type::gauge, "1 while a backup region serves a region's clients.",
         regions_, [&](const Region& region) {
           if (region.backup.empty()) return;
           const auto more = comma(label("backup", region.backup));
           text.sample(region.labels, more + label("cause", api::cause_name(region.failover_cause)), 1);
         });
    each(text, "turnkeeper_failovers", Type::counter, "Times a region's clients were sent to another region, by cause.",
         regions_, [&](const Region& region) {
           for (const auto& [cause, count] : region.failovers) {
             text.sample(region.labels, label("cause", api::cause_name(cause)), static_cast<double>(count));
           }
         });
    each(text, "turnkeeper_failover_seconds", Type::histogram,
         "From the first missed echo of a relay that died to the moment its clients were told.", regions_,
         [&](const Region& region) {
           if (!region.failover_time) return;
           const auto& times = *region.failover_time;
           text.histogram(region.labels, times.bounds(), times.counts(), times.sum());
         });
    each(text, "turnkeeper_credentials_issued", Type::counter, "ICE configs with credentials given out.", regions_,
         [&](const Region& region) {
           for (const auto& [api, count] : region.issued) {
             text.sample(region.labels, label("api", api), static_cast<double>(count));
           }
         });
    each(text, "turnkeeper_push_clients", Type::gauge, "Clients connected for pushed ICE configs.", regions_,
         [&](const Region& region) {
           if (region.push_clients) text.sample(region.labels, static_cast<double>(*region.push_clients));
         });
  }

  void write_clusters(Exposition& text) {
    // A key whose birth is not known, such as one from a file that a person keeps, has no age.
    const auto known = [](const Cluster& cluster) { return cluster.key_created != SystemTime{}; };
    each(text, "turnkeeper_signing_key_age_seconds", Type::gauge, "Age of the key that signs what clients get.",
         clusters_, [&](const Cluster& cluster) {
           if (!known(cluster)) return;
           text.sample(cluster.labels, std::max(0.0, seconds(clock_.system() - cluster.key_created)));
         });
    each(text, "turnkeeper_signing_key_max_age_seconds", Type::gauge,
         "Age at which a signing key is due to be replaced.", clusters_, [&](const Cluster& cluster) {
           if (known(cluster)) text.sample(cluster.labels, static_cast<double>(cluster.rotate_every.count()));
         });
    each(text, "turnkeeper_rotation_phase", Type::gauge, "1 for the phase that the rotation of signing keys is in.",
         clusters_, [&](const Cluster& cluster) {
           if (!known(cluster)) return;
           for (const auto phase : rotation_phases) {
             text.sample(cluster.labels, label("phase", phase), phase == cluster.rotation ? 1.0 : 0.0);
           }
         });
    each(text, "turnkeeper_incidents_open", Type::gauge, "Incidents that are not over, by what they have in common.",
         clusters_, [&](const Cluster& cluster) {
           for (const auto& [scope, open] : cluster.incidents) {
             text.sample(cluster.labels, label("scope", scope), static_cast<double>(open));
           }
         });
  }

  void write_vantage(Exposition& text) {
    const auto gauge = [&](const char* name, const char* help, double value) {
      text.family(name, Type::gauge, help);
      text.sample(vantage_, value);
    };
    gauge("turnkeeper_vantage_blind",
          "1 while this vantage sees nothing, its own gateway included, and has no say in any verdict.",
          blind_ ? 1 : 0);
    if (peers_) {
      gauge("turnkeeper_exchange_peers", "Other vantages that this one is to exchange observations with.",
            static_cast<double>(peers_->first));
      gauge("turnkeeper_exchange_peers_connected", "Other vantages that this one hears.",
            static_cast<double>(peers_->second));
    }
    if (operator_connected_) {
      gauge("turnkeeper_operator_connected", "Whether the operator's stream of targets stands.",
            *operator_connected_ ? 1 : 0);
    }
    if (config_ok_) {
      gauge("turnkeeper_config_last_reload_successful", "Whether the configuration file, when last read, was valid.",
            *config_ok_ ? 1 : 0);
    }
    if (config_loaded_) {
      gauge("turnkeeper_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read, as Unix time.",
            static_cast<double>(unix_seconds(*config_loaded_)));
    }
    text.family("turnkeeper_credentials_rejected", Type::counter, "Requests for credentials that were refused.");
    for (const auto& [reason, count] : rejected_) {
      text.sample(vantage_, label("reason", reason), static_cast<double>(count));
    }
    text.family("turnkeeper_notifications", Type::counter, "Webhook messages, by what became of them.");
    constexpr std::array results = {"sent", "failed", "dropped", "held"};
    for (const auto& [receiver, counts] : notifications_) {
      for (std::size_t i = 0; i < results.size(); ++i) {
        text.sample(vantage_, comma(label("receiver", receiver)) + label("result", results[i]),
                    static_cast<double>(counts[i]));
      }
    }
  }

  const Clock& clock_;
  const std::string vantage_;
  std::map<RelayId, Relay> relays_;
  std::map<RegionKey, Region> regions_;
  std::map<std::string, Cluster> clusters_;
  std::map<std::string, ProviderStatus> providers_;  // by labels
  bool blind_ = false;
  std::optional<std::pair<std::size_t, std::size_t>> peers_;
  std::optional<bool> operator_connected_;
  std::optional<bool> config_ok_;
  std::optional<SystemTime> config_loaded_;
  std::map<std::string, std::uint64_t> rejected_;
  std::map<std::string, std::array<std::uint64_t, 4>> notifications_;
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
