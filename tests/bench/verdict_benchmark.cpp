// What it costs to judge a whole fleet again: 1,000 relays, each seen by 5 vantages.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "monitor/verdict/judge.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t relays = 1000;
constexpr std::size_t vantages = 5;

// One relay in ten is in some kind of trouble, which not every vantage shares.
std::vector<std::vector<Observation>> observations(SteadyTime now) {
  std::mt19937 random(1);
  std::vector<std::vector<Observation>> all(relays);
  for (std::size_t relay = 0; relay < relays; ++relay) {
    for (std::size_t vantage = 0; vantage < vantages; ++vantage) {
      const bool usable = relay % 10 != 0 || random() % 2 == 0;
      all[relay].push_back({.vantage = "vantage-" + std::to_string(vantage),
                            .usable = usable,
                            .cause = usable ? api::Cause::none : api::Cause::connect_timeout,
                            .detail = usable ? "" : "no answer at all, neither to Allocate nor to Binding",
                            .at = now - std::chrono::milliseconds(random() % 1000)});
    }
  }
  return all;
}

void judge_fleet(benchmark::State& state) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto seen = observations(now);
  const Policy policy;
  std::vector<RelayState> fleet(relays);
  for (auto _ : state) {
    for (std::size_t relay = 0; relay < relays; ++relay) {
      fleet[relay] = judge(seen[relay], fleet[relay], policy, now);
    }
    benchmark::DoNotOptimize(fleet.data());
  }
}
BENCHMARK(judge_fleet)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace turnkeeper::monitor

BENCHMARK_MAIN();
