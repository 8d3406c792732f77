#include "monitor/metrics/families.hpp"

#include <algorithm>

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

using Type = Exposition::Type;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string comma(std::string text) {
  return text + ',';
}

template <class Members, class Write>
void each(Exposition& text, std::string_view name, Type type, std::string_view help, const Members& members,
          Write write) {
  text.family(name, type, help);
  for (const auto& [key, member] : members) write(member);
}

void write_relays(Exposition& text, const Counted& counted) {
  each(text, "turnkeeper_relay_verdict", Type::gauge, "1 for what a relay is now and why; one series for each relay.",
       counted.relays, [&](const CountedRelay& relay) {
         std::string more = comma(label("verdict", api::verdict_name(relay.verdict)));
         text.sample(relay.labels, more + label("cause", api::cause_name(relay.cause)), 1);
       });
  each(text, "turnkeeper_relay_usable", Type::gauge,
       "Whether this vantage, on its own, can use a relay. Vantages may disagree; the verdict is of all of them.",
       counted.relays, [&](const CountedRelay& relay) {
         if (relay.echoes.usable()) text.sample(relay.labels, *relay.echoes.usable() ? 1 : 0);
       });
  each(text, "turnkeeper_relay_sessions", Type::gauge, "Live allocations of a relay, as its agent counts them.",
       counted.relays, [&](const CountedRelay& relay) {
         if (relay.sessions) text.sample(relay.labels, *relay.sessions);
       });
  each(text, "turnkeeper_relay_bytes", Type::counter,
       "What a relay's machine sent and received since the agent's start, as the agent says.", counted.relays,
       [&](const CountedRelay& relay) {
         const auto write = [&](const char* direction, const std::optional<std::uint64_t>& bytes) {
           if (bytes) text.sample(relay.labels, label("direction", direction), static_cast<double>(*bytes));
         };
         write("sent", relay.sent_bytes);
         write("received", relay.received_bytes);
       });
}

void write_providers(Exposition& text, const Counted& counted) {
  if (counted.providers.empty()) return;
  const auto each_provider = [&](std::string_view name, Type type, std::string_view help, auto write) {
    text.family(name, type, help);
    for (const auto& [labels, provider] : counted.providers) write(labels, provider);
  };
  each_provider(
      "turnkeeper_provider_up", Type::gauge, "Whether a provider has named relays and was well when it was last asked.",
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
void each_probe(Exposition& text, const Counted& counted, std::string_view name, Type type, std::string_view help,
                Write write) {
  text.family(name, type, help);
  for (const auto& [id, relay] : counted.relays) {
    for (const auto& [transport, probes] : relay.probes) {
      write(relay.labels + ',' + label("transport", transport), probes);
    }
  }
}

void write_probes(Exposition& text, const Counted& counted) {
  each_probe(
      text, counted, "turnkeeper_probe_success", Type::gauge,
      "Whether the newest full probe of a relay over a transport succeeded.",
      [&](const std::string& labels, const CountedProbes& probes) { text.sample(labels, probes.success ? 1 : 0); });
  each_probe(text, counted, "turnkeeper_probe_cause", Type::gauge,
             "1, with what the newest full probe found wrong, also when it succeeded. No series otherwise.",
             [&](const std::string& labels, const CountedProbes& probes) {
               if (probes.cause == api::Cause::none) return;
               text.sample(labels, label("cause", api::cause_name(probes.cause)), 1);
             });
  each_probe(text, counted, "turnkeeper_probe_phase_seconds", Type::gauge,
             "How long each phase of the newest full probe took.",
             [&](const std::string& labels, const CountedProbes& probes) {
               for (const auto& [phase, took] : probes.phases) {
                 text.sample(labels, label("phase", phase_name(phase)), seconds(took));
               }
             });
  each_probe(text, counted, "turnkeeper_probe_failures", Type::counter, "Full probes that failed, by cause.",
             [&](const std::string& labels, const CountedProbes& probes) {
               for (const auto& [cause, count] : probes.failures) {
                 text.sample(labels, label("cause", api::cause_name(cause)), static_cast<double>(count));
               }
             });
  each_probe(text, counted, "turnkeeper_certificate_expiry_timestamp_seconds", Type::gauge,
             "When the certificate that a relay showed over a transport expires, as Unix time.",
             [&](const std::string& labels, const CountedProbes& probes) {
               if (!probes.certificate_expiry) return;
               text.sample(labels, static_cast<double>(unix_seconds(*probes.certificate_expiry)));
             });
  text.family("turnkeeper_probe_duration_seconds", Type::histogram,
              "How long each phase of the full probes of a region's relays took.");
  for (const auto& [key, region] : counted.regions) {
    for (const auto& [of, times] : region.phases) {
      const auto labels = region.labels + ',' + comma(label("transport", of.first));
      text.histogram(labels + label("phase", phase_name(of.second)), times.bounds(), times.counts(), times.sum());
    }
  }
}

void write_echoes(Exposition& text, const Counted& counted) {
  each(text, "turnkeeper_echo_sent", Type::counter, "Echoes that the standing allocation on a relay sent to itself.",
       counted.relays, [&](const CountedRelay& relay) {
         text.sample(relay.labels, relay.canary_transport, static_cast<double>(relay.echoes.sent()));
       });
  each(text, "turnkeeper_echo_lost", Type::counter, "Echoes that did not come back in time.", counted.relays,
       [&](const CountedRelay& relay) {
         text.sample(relay.labels, relay.canary_transport, static_cast<double>(relay.echoes.lost()));
       });
  each(text, "turnkeeper_echo_seconds", Type::histogram, "Round trip of an echo through a relay.", counted.relays,
       [&](const CountedRelay& relay) {
         const auto& echo = relay.echoes.round_trips();
         text.histogram(relay.labels + ',' + relay.canary_transport, echo.bounds(), echo.counts(), echo.sum());
       });
}

void write_regions(Exposition& text, const Counted& counted) {
  each(text, "turnkeeper_region_serving", Type::gauge,
       "Whether anybody, the region itself or a backup, serves a region's clients.", counted.regions,
       [&](const CountedRegion& region) {
         if (region.serving) text.sample(region.labels, *region.serving ? 1 : 0);
       });
  each(text, "turnkeeper_failover_active", Type::gauge, "1 while a backup region serves a region's clients.",
       counted.regions, [&](const CountedRegion& region) {
         if (region.backup.empty()) return;
         const auto more = comma(label("backup", region.backup));
         text.sample(region.labels, more + label("cause", api::cause_name(region.failover_cause)), 1);
       });
  each(text, "turnkeeper_region_rtt_seconds", Type::gauge,
       "Round trip from the vantage nearest to a region to another region, or to that region itself.", counted.regions,
       [&](const CountedRegion& region) {
         for (const auto& [to, round_trip] : region.distances) {
           text.sample(region.labels, label("to", to), seconds(round_trip));
         }
       });
  each(text, "turnkeeper_failovers", Type::counter, "Times a region's clients were sent to another region, by cause.",
       counted.regions, [&](const CountedRegion& region) {
         for (const auto& [cause, count] : region.failovers) {
           text.sample(region.labels, label("cause", api::cause_name(cause)), static_cast<double>(count));
         }
       });
  each(text, "turnkeeper_failover_seconds", Type::histogram,
       "From the first missed echo of a relay that died to the moment its clients were told.", counted.regions,
       [&](const CountedRegion& region) {
         if (!region.failover_time) return;
         const auto& times = *region.failover_time;
         text.histogram(region.labels, times.bounds(), times.counts(), times.sum());
       });
  each(text, "turnkeeper_credentials_issued", Type::counter, "ICE configs with credentials given out.", counted.regions,
       [&](const CountedRegion& region) {
         for (const auto& [api, count] : region.issued) {
           text.sample(region.labels, label("api", api), static_cast<double>(count));
         }
       });
  each(text, "turnkeeper_push_clients", Type::gauge, "Clients connected for pushed ICE configs.", counted.regions,
       [&](const CountedRegion& region) {
         if (region.push_clients) text.sample(region.labels, static_cast<double>(*region.push_clients));
       });
}

void write_clusters(Exposition& text, const Counted& counted, SystemTime now) {
  // A key whose birth is not known, such as one from a file that a person keeps, has no age.
  const auto known = [](const CountedCluster& cluster) { return cluster.key_created != SystemTime{}; };
  each(text, "turnkeeper_signing_key_age_seconds", Type::gauge, "Age of the key that signs what clients get.",
       counted.clusters, [&](const CountedCluster& cluster) {
         if (!known(cluster)) return;
         text.sample(cluster.labels, std::max(0.0, seconds(now - cluster.key_created)));
       });
  each(text, "turnkeeper_signing_key_max_age_seconds", Type::gauge, "Age at which a signing key is due to be replaced.",
       counted.clusters, [&](const CountedCluster& cluster) {
         if (known(cluster)) text.sample(cluster.labels, static_cast<double>(cluster.rotate_every.count()));
       });
  each(text, "turnkeeper_rotation_phase", Type::gauge, "1 for the phase that the rotation of signing keys is in.",
       counted.clusters, [&](const CountedCluster& cluster) {
         if (!known(cluster)) return;
         for (const auto phase : rotation_phases) {
           text.sample(cluster.labels, label("phase", phase), phase == cluster.rotation ? 1.0 : 0.0);
         }
       });
  each(text, "turnkeeper_incidents_open", Type::gauge, "Incidents that are not over, by what they have in common.",
       counted.clusters, [&](const CountedCluster& cluster) {
         for (const auto& [scope, open] : cluster.incidents) {
           text.sample(cluster.labels, label("scope", scope), static_cast<double>(open));
         }
       });
}

void write_vantage(Exposition& text, const Counted& counted) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    text.family(name, Type::gauge, help);
    text.sample(counted.vantage, value);
  };
  gauge("turnkeeper_vantage_blind",
        "1 while this vantage sees nothing, its own gateway included, and has no say in any verdict.",
        counted.blind ? 1 : 0);
  if (counted.peers) {
    gauge("turnkeeper_exchange_peers", "Other vantages that this one is to exchange observations with.",
          static_cast<double>(counted.peers->first));
    gauge("turnkeeper_exchange_peers_connected", "Other vantages that this one hears.",
          static_cast<double>(counted.peers->second));
  }
  if (counted.operator_connected) {
    gauge("turnkeeper_operator_connected", "Whether the operator's stream of targets stands.",
          *counted.operator_connected ? 1 : 0);
  }
  if (counted.config_ok) {
    gauge("turnkeeper_config_last_reload_successful", "Whether the configuration file, when last read, was valid.",
          *counted.config_ok ? 1 : 0);
  }
  if (counted.config_loaded) {
    gauge("turnkeeper_config_last_reload_success_timestamp_seconds",
          "When the configuration in use was read, as Unix time.",
          static_cast<double>(unix_seconds(*counted.config_loaded)));
  }
  text.family("turnkeeper_credentials_rejected", Type::counter, "Requests for credentials that were refused.");
  for (const auto& [reason, count] : counted.rejected) {
    text.sample(counted.vantage, label("reason", reason), static_cast<double>(count));
  }
  text.family("turnkeeper_notifications", Type::counter, "Webhook messages, by what became of them.");
  constexpr std::array results = {"sent", "failed", "dropped", "held"};
  for (const auto& [receiver, counts] : counted.notifications) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      text.sample(counted.vantage, comma(label("receiver", receiver)) + label("result", results[i]),
                  static_cast<double>(counts[i]));
    }
  }
}

}  // namespace

void write_families(Exposition& text, const Counted& counted, SystemTime now) {
  text.family("turnkeeper_build", Type::info, "The version is in the label.");
  text.sample(comma(label("program", "turnkeeper-monitor")) + label("version", version()), 1);
  write_relays(text, counted);
  write_probes(text, counted);
  write_echoes(text, counted);
  write_regions(text, counted);
  write_clusters(text, counted, now);
  write_providers(text, counted);
  write_vantage(text, counted);
}

}  // namespace turnkeeper::monitor
