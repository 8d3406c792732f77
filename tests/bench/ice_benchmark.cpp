// What one client's ICE config costs: 3 regions of 4 relays, each with UDP, TCP and TLS, everything proven.
#include <benchmark/benchmark.h>

#include "monitor/access/admitted_streams.hpp"
#include "monitor/ice/ice_table.hpp"
#include "monitor/push/push_hub.hpp"

namespace turnkeeper::monitor {
namespace {

const SystemTime now{std::chrono::seconds(1'700'000'000)};

Cluster cluster(int relays) {
  Cluster cluster{.name = "turnkeeper/calls"};
  cluster.signing_keys = {{.id = "k1", .secret = Secret(std::string(64, 's')), .created = {}}};
  for (const std::string name : {"eu-west", "us-east", "ap-south"}) {
    Region region{.name = name, .backups = {}, .relays = {}};
    for (int i = 0; i < relays; ++i) {
      const auto host = name + "-" + std::to_string(i) + ".turn.example.org";
      region.relays.push_back({.name = name + "-" + std::to_string(i),
                               .uris = {turn_uri(host), turn_uri(host, 3478, api::Transport::tcp),
                                        *turn::Uri::parse("turns:" + host + ":443?transport=tcp")}});
    }
    cluster.regions.push_back(std::move(region));
  }
  cluster.stun_servers = {"stun:stun.example.org:3478"};
  return cluster;
}

IceTable table(int relays) {
  return IceTable(
      cluster(relays), [](const RelayId&) { return api::Verdict::healthy; },
      [](const RelayId&, const turn::Uri&) { return Proof::works; }, now);
}

std::vector<IceRequest> requests() {
  std::vector<IceRequest> all;
  for (int i = 0; i < 1024; ++i) {
    all.push_back({.region = "eu-west", .user = "user-" + std::to_string(i), .session = "call-" + std::to_string(i)});
  }
  return all;
}

void one_config(benchmark::State& state) {
  const auto ice = table(static_cast<int>(state.range(0)));
  const auto asked = requests();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ice.make(asked[i++ % asked.size()], now));
}
BENCHMARK(one_config)->Arg(4)->Arg(100);

void one_answer(benchmark::State& state) {
  const auto ice = table(4);
  const auto asked = requests();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(native_json(*ice.make(asked[i++ % asked.size()], now), now));
}
BENCHMARK(one_answer);

void whole_table(benchmark::State& state) {
  const auto of = cluster(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(IceTable(
        of, [](const RelayId&) { return api::Verdict::healthy; },
        [](const RelayId&, const turn::Uri&) { return Proof::works; }, now));
  }
}
BENCHMARK(whole_table)->Arg(4)->Arg(100)->Unit(benchmark::kMicrosecond);

// 10,000 clients are looked at, and each is told.
void push_to_all(benchmark::State& state) {
  const std::array tables{table(4), table(5)};
  const IceTable* current = &tables[0];
  ManualClock clock(now);
  std::size_t bytes = 0;
  PushHub hub([&](const IceRequest& request) { return current->make(request, now); },
              [&](const std::string&, UrlHash) { return Standing::bad; }, clock);
  for (int i = 0; i < 10'000; ++i) {
    const auto subscription = hub.subscribe(
        {.region = "eu-west", .user = "user-" + std::to_string(i)}, "",
        [&](const Push& push) { bytes += native_json(push.config, now, push_reason_name(push.reason)).size(); });
    if (!subscription) return state.SkipWithError("refused");
  }
  std::size_t told = 0;
  for (auto _ : state) {
    current = current == &tables[0] ? &tables[1] : &tables[0];
    hub.changed();
    for (bool more = true; more;) {
      const auto progress = hub.work(500);
      told += progress.told;
      more = progress.more;
    }
  }
  state.counters["told"] = benchmark::Counter(static_cast<double>(told), benchmark::Counter::kAvgIterations);
}
BENCHMARK(push_to_all)->Unit(benchmark::kMillisecond);

// A file of keys has changed: which of 10,000 streams are to end?
void keys_changed(benchmark::State& state) {
  Gate gate({.key = Secret("key")});
  AdmittedStreams streams(gate, real_clock());
  std::vector<std::shared_ptr<AdmittedStreams::Stay>> stays;
  for (int i = 0; i < 10'000; ++i) {
    stays.push_back(streams.add(*gate.admit({.key = Secret("key"), .address = {}}), [] {}));
  }
  for (auto _ : state) streams.keys_changed();
}
BENCHMARK(keys_changed)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace turnkeeper::monitor

BENCHMARK_MAIN();
