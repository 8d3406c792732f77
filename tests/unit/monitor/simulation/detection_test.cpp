// How fast and how surely death is told from loss: canaries, verdict and exchange together, over many seeds.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;
using namespace std::chrono_literals;

int falls(const World& world) {
  return static_cast<int>(std::ranges::count(world.changes(), Verdict::unhealthy, &World::Change::verdict));
}

// From a relay's death at a random moment until the vantage holds it Unhealthy.
std::chrono::nanoseconds time_to_detect(World& world, std::size_t vantage, std::uint32_t seed) {
  world.run_for(3s + std::chrono::microseconds(seed * 7919 % 200'000));
  const auto died = world.now();
  world.kill(0);
  world.run_for(2s);
  for (const auto& change : world.changes()) {
    if (change.at >= died && change.vantage == vantage && change.relay == 0 && change.verdict == Verdict::unhealthy) {
      return change.at - died;
    }
  }
  return 1h;
}

TEST(Detection, OneVantageFindsADeadRelayWithinHalfASecond) {
  for (const auto one_way : {100us, 5'000us, 15'000us, 30'000us}) {
    std::chrono::nanoseconds longest{0};
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
      World world({.seed = seed, .one_way = one_way});
      longest = std::max(longest, time_to_detect(world, 0, seed));
    }
    EXPECT_LT(longest, 500ms) << one_way.count() << " us one way";
    RecordProperty("longest_ms_" + std::to_string(one_way.count()) + "us", static_cast<int>(longest / 1ms));
  }
}

TEST(Detection, ThreeVantagesFindItAsFastWhenOneOfThemLosesAFifth) {
  for (const auto one_way : {500us, 15'000us}) {
    std::chrono::nanoseconds longest{0};
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
      World world({.seed = seed, .vantages = 3, .one_way = one_way});
      world.vantage(2).loss = 0.2;
      world.run_for(10s);  // at the start it may take a lossy line seconds to make its allocations
      for (const std::size_t vantage : {0, 1}) {
        World again({.seed = seed * 2 + static_cast<std::uint32_t>(vantage), .vantages = 3, .one_way = one_way});
        again.vantage(2).loss = 0.2;
        longest = std::max(longest, time_to_detect(again, vantage, seed));
      }
    }
    EXPECT_LT(longest, 500ms) << one_way.count() << " us one way";
  }
}

TEST(Detection, ADayWithAFifthOfAllPacketsLostNearOneOfThreeVantagesMovesNobody) {
  for (std::uint32_t seed = 1; seed <= 2; ++seed) {
    World world({.seed = seed, .vantages = 3, .relays = {"eu", "us"}});
    world.vantage(1).loss = 0.2;
    world.run_for(24h);
    EXPECT_EQ(falls(world), 0);
    EXPECT_TRUE(world.failovers().empty());
  }
}

// Alone it has no quorum to save it: 27 echoes in a row must get lost (canary_state.hpp), a fresh allocation too.
TEST(Detection, ADayWithAFifthOfAllPacketsLostNearTheOnlyVantageMovesNobodyEither) {
  World world({.seed = 7, .vantages = 1, .relays = {"eu", "us"}, .one_way = 10ms});
  world.run_for(5s);
  world.vantage(0).loss = 0.2;
  world.forget_changes();
  world.run_for(24h);
  EXPECT_EQ(falls(world), 0);
  EXPECT_TRUE(world.failovers().empty());
  EXPECT_GT(world.confirmations(), 10U) << "the loss put the canaries under no stress";
  const auto regular = 2.0 * 24 * 3600 * 10;
  EXPECT_LT(static_cast<double>(world.echoes()), 2.5 * regular) << "the quick echoes cost too much";
  RecordProperty("fresh_allocations", static_cast<int>(world.confirmations()));
}

}  // namespace
}  // namespace turnkeeper::monitor
