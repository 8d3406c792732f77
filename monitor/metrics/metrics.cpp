#include "monitor/metrics/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <set>

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

const Histogram::BucketBoundaries probe_buckets = {.0005, .001, .0025, .005, .01, .025, .05,
                                                   .1,    .25,  .5,    1,    2.5, 5,    10};
const Histogram::BucketBoundaries echo_buckets = {.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .2, .4, .8};
const Histogram::BucketBoundaries failover_buckets = {.1, .2, .3, .4, .5, .75, 1, 1.5, 2, 3, 5, 10, 30};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// One family's series of one owner, such as a relay: made when first used, gone with the owner.
template <class T>
class Series {
 public:
  explicit Series(Family<T>& family) : family_(&family) {}
  Series(Series&&) noexcept = default;
  Series& operator=(Series&&) = delete;
  ~Series() { clear(); }
  template <class... Args>
  T& at(const Labels& labels, const Args&... args) {
    auto& metric = made_[labels];
    if (!metric) metric = &family_->Add(labels, args...);
    return *metric;
  }
  void clear() {
    for (const auto& [labels, metric] : made_) family_->Remove(metric);
    made_.clear();
  }

 private:
  Family<T>* family_;
  std::map<Labels, T*> made_;
};

}  // namespace

class Metrics::Impl {
 public:
  explicit Impl(const std::string& vantage) : vantage_(vantage) {
    prometheus::BuildGauge()
        .Name("turnkeeper_build_info")
        .Help("Always 1; the version is in the label.")
        .Register(registry_)
        .Add({{"program", "turnkeeper-monitor"}, {"version", std::string(version())}})
        .Set(1);
  }

  void set_fleet(const Fleet& fleet) {
    std::set<RelayId> relays;
    std::set<RegionKey> regions;
    std::set<std::string> names;
    for (const auto& cluster : fleet.clusters) {
      names.insert(cluster.name);
      auto& to = clusters_.try_emplace(cluster.name, *this).first->second;
      const auto* key = api::issuing_key(cluster.signing_keys);
      to.key_created = key ? key->created : SystemTime{};
      to.rotate_every = cluster.rotate_every;
      for (const auto& region : cluster.regions) {
        regions.insert({cluster.name, region.name});
        regions_.try_emplace({cluster.name, region.name}, *this);
        for (const auto& relay : region.relays) relays.insert({cluster.name, region.name, relay.name});
      }
    }
    std::erase_if(clusters_, [&](const auto& entry) { return !names.contains(entry.first); });
    std::erase_if(regions_, [&](const auto& entry) { return !regions.contains(entry.first); });
    std::erase_if(relays_, [&](const auto& entry) { return !relays.contains(entry.first); });
    for (const auto& id : relays) {
      if (relays_.try_emplace(id, *this).second) judged(id, api::Verdict::unknown, api::Cause::none);
    }
  }

  void probed(const RelayId& id, const ProbeResult& result) {
    auto* const known = find(id);
    if (!known) return;
    auto& relay = *known;
    relay.probe_success.at(relay_labels(id)).Set(result.ok ? 1 : 0);
    for (const auto& [phase, took] : result.phases) {
      relay.probe_duration.at(relay_labels(id, {{"phase", std::string(phase_name(phase))}}), probe_buckets)
          .Observe(seconds(took));
    }
    if (!result.ok) {
      relay.probe_failures.at(relay_labels(id, {{"cause", std::string(api::cause_name(result.cause))}})).Increment();
    }
  }

  void echo_sent(const RelayId& id) {
    auto* relay = find(id);
    if (!relay) return;
    relay->echo_sent.at(relay_labels(id)).Increment();
    relay->echo_lost.at(relay_labels(id));  // there from the start, so that rate() sees the first loss
  }
  void echo_received(const RelayId& id, std::chrono::nanoseconds round_trip) {
    if (auto* relay = find(id)) relay->echo.at(relay_labels(id), echo_buckets).Observe(seconds(round_trip));
  }
  void echo_lost(const RelayId& id) {
    if (auto* relay = find(id)) relay->echo_lost.at(relay_labels(id)).Increment();
  }

  void judged(const RelayId& id, api::Verdict verdict, api::Cause cause) {
    auto* relay = find(id);
    if (!relay) return;
    relay->verdict.clear();
    relay->verdict
        .at({{"cluster", id.cluster},
             {"region", id.region},
             {"relay", id.relay},
             {"vantage", vantage_},
             {"verdict", std::string(api::verdict_name(verdict))},
             {"cause", std::string(api::cause_name(cause))}})
        .Set(1);
  }

  void served(const std::string& cluster, const std::string& name, const std::string& by, api::Cause cause) {
    auto* region = find(cluster, name);
    if (!region) return;
    region->serving.at(region_labels(cluster, name)).Set(by.empty() ? 0 : 1);
    region->failover_active.clear();
    if (by.empty() || by == name) return;
    region->failover_active.at(region_labels(cluster, name, {{"backup", by}, {"cause", cause_label(cause)}})).Set(1);
  }

  void failed_over(const std::string& cluster, const std::string& name, api::Cause cause) {
    auto* region = find(cluster, name);
    if (region) region->failovers.at(region_labels(cluster, name, {{"cause", cause_label(cause)}})).Increment();
  }

  void pushed_after(const std::string& cluster, const std::string& name, std::chrono::nanoseconds time) {
    auto* region = find(cluster, name);
    if (region) region->failover_time.at(region_labels(cluster, name), failover_buckets).Observe(seconds(time));
  }

  void issued(const std::string& cluster, const std::string& name, std::string_view api) {
    auto* region = find(cluster, name);
    if (region) region->issued.at(region_labels(cluster, name, {{"api", std::string(api)}})).Increment();
  }

  void set_push_clients(const std::string& cluster, const std::string& name, std::size_t count) {
    auto* region = find(cluster, name);
    if (region) region->push_clients.at(region_labels(cluster, name)).Set(static_cast<double>(count));
  }

  std::string exposition(SystemTime now) {
    for (auto& [name, cluster] : clusters_) {
      // A key whose birth is not known, such as one from a file that a person keeps, has no age.
      if (cluster.key_created == SystemTime{}) continue;
      cluster.key_age.at(cluster_labels(name)).Set(std::max(0.0, seconds(now - cluster.key_created)));
      cluster.max_age.at(cluster_labels(name)).Set(static_cast<double>(cluster.rotate_every.count()));
    }
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  using RegionKey = std::pair<std::string, std::string>;

  template <class T>
  Family<T>& family(prometheus::detail::Builder<T> builder, const char* name, const char* help) {
    return builder.Name(name).Help(help).Register(registry_);
  }

  Labels cluster_labels(const std::string& cluster, Labels more = {}) const {
    more.insert({{"cluster", cluster}, {"vantage", vantage_}});
    return more;
  }
  Labels region_labels(const std::string& cluster, const std::string& region, Labels more = {}) const {
    more.insert({{"cluster", cluster}, {"region", region}, {"vantage", vantage_}});
    return more;
  }
  // Every probe and every canary goes over UDP today.
  Labels relay_labels(const RelayId& id, Labels more = {}) const {
    more.insert({{"cluster", id.cluster},
                 {"region", id.region},
                 {"relay", id.relay},
                 {"transport", "udp"},
                 {"vantage", vantage_}});
    return more;
  }

  static std::string cause_label(api::Cause cause) { return std::string(api::cause_name(cause)); }

  struct RelaySeries {
    explicit RelaySeries(Impl& of)
        : probe_success(of.probe_success_),
          probe_duration(of.probe_duration_),
          probe_failures(of.probe_failures_),
          echo_sent(of.echo_sent_),
          echo_lost(of.echo_lost_),
          echo(of.echo_),
          verdict(of.verdict_) {}
    Series<Gauge> probe_success;
    Series<Histogram> probe_duration;
    Series<Counter> probe_failures;
    Series<Counter> echo_sent;
    Series<Counter> echo_lost;
    Series<Histogram> echo;
    Series<Gauge> verdict;
  };
  struct RegionSeries {
    explicit RegionSeries(Impl& of)
        : serving(of.serving_),
          failover_active(of.failover_active_),
          failovers(of.failovers_),
          failover_time(of.failover_time_),
          issued(of.issued_),
          push_clients(of.push_clients_) {}
    Series<Gauge> serving;
    Series<Gauge> failover_active;
    Series<Counter> failovers;
    Series<Histogram> failover_time;
    Series<Counter> issued;
    Series<Gauge> push_clients;
  };
  struct ClusterSeries {
    explicit ClusterSeries(Impl& of) : key_age(of.key_age_), max_age(of.max_age_) {}
    Series<Gauge> key_age;
    Series<Gauge> max_age;
    SystemTime key_created;
    std::chrono::seconds rotate_every{0};
  };

  RelaySeries* find(const RelayId& id) {
    const auto found = relays_.find(id);
    return found == relays_.end() ? nullptr : &found->second;
  }
  RegionSeries* find(const std::string& cluster, const std::string& region) {
    const auto found = regions_.find({cluster, region});
    return found == regions_.end() ? nullptr : &found->second;
  }

  const std::string vantage_;
  prometheus::Registry registry_;
  Family<Gauge>& probe_success_ = family(prometheus::BuildGauge(), "turnkeeper_probe_success",
                                         "Whether the newest full probe of a relay succeeded.");
  Family<Histogram>& probe_duration_ = family(prometheus::BuildHistogram(), "turnkeeper_probe_duration_seconds",
                                              "How long each phase of a full probe took.");
  Family<Counter>& probe_failures_ =
      family(prometheus::BuildCounter(), "turnkeeper_probe_failures_total", "Full probes that failed, by cause.");
  Family<Counter>& echo_sent_ = family(prometheus::BuildCounter(), "turnkeeper_echo_sent_total",
                                       "Echoes that the standing allocation on a relay sent to itself.");
  Family<Counter>& echo_lost_ =
      family(prometheus::BuildCounter(), "turnkeeper_echo_lost_total", "Echoes that did not come back in time.");
  Family<Histogram>& echo_ =
      family(prometheus::BuildHistogram(), "turnkeeper_echo_seconds", "Round trip of an echo through a relay.");
  Family<Gauge>& verdict_ = family(prometheus::BuildGauge(), "turnkeeper_relay_verdict",
                                   "1 for what a relay is now and why; one series for each relay.");
  Family<Gauge>& serving_ = family(prometheus::BuildGauge(), "turnkeeper_region_serving",
                                   "Whether anybody, the region itself or a backup, serves a region's clients.");
  Family<Gauge>& failover_active_ = family(prometheus::BuildGauge(), "turnkeeper_failover_active",
                                           "1 while a backup region serves a region's clients.");
  Family<Counter>& failovers_ = family(prometheus::BuildCounter(), "turnkeeper_failovers_total",
                                       "Times a region's clients were sent to another region, by cause.");
  Family<Histogram>& failover_time_ =
      family(prometheus::BuildHistogram(), "turnkeeper_failover_seconds",
             "From the first missed echo of a relay that died to the moment its clients were told.");
  Family<Counter>& issued_ = family(prometheus::BuildCounter(), "turnkeeper_credentials_issued_total",
                                    "ICE configs with credentials given out.");
  Family<Gauge>& key_age_ = family(prometheus::BuildGauge(), "turnkeeper_signing_key_age_seconds",
                                   "Age of the key that signs what clients get.");
  Family<Gauge>& max_age_ = family(prometheus::BuildGauge(), "turnkeeper_signing_key_max_age_seconds",
                                   "Age at which a signing key is due to be replaced.");
  Family<Gauge>& push_clients_ =
      family(prometheus::BuildGauge(), "turnkeeper_push_clients", "Clients connected for pushed ICE configs.");

  // After the families, which the series need when they go.
  std::map<RelayId, RelaySeries> relays_;
  std::map<RegionKey, RegionSeries> regions_;
  std::map<std::string, ClusterSeries> clusters_;
};

Metrics::Metrics(const std::string& vantage) : impl_(std::make_unique<Impl>(vantage)) {}
Metrics::~Metrics() = default;

void Metrics::set_fleet(const Fleet& fleet) {
  impl_->set_fleet(fleet);
}
void Metrics::probed(const RelayId& relay, const ProbeResult& result) {
  impl_->probed(relay, result);
}
void Metrics::echo_sent(const RelayId& relay) {
  impl_->echo_sent(relay);
}
void Metrics::echo_received(const RelayId& relay, std::chrono::nanoseconds time) {
  impl_->echo_received(relay, time);
}
void Metrics::echo_lost(const RelayId& relay) {
  impl_->echo_lost(relay);
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
void Metrics::set_push_clients(const std::string& cluster, const std::string& region, std::size_t count) {
  impl_->set_push_clients(cluster, region, count);
}
std::string Metrics::exposition(SystemTime now) {
  return impl_->exposition(now);
}

}  // namespace turnkeeper::monitor
