// A region that is lost with the vantage that stands in it, and what only looks like that from where the other stands.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t here = 0;   // the vantage in us
constexpr std::size_t there = 1;  // the vantage in eu
const std::vector<std::string> regions{"eu", "eu", "us"};
constexpr std::size_t us = 2;  // the relay

int falls(const World& world) {
  return static_cast<int>(std::ranges::count(world.changes(), Verdict::unhealthy, &World::Change::verdict));
}

void lose_eu(World& world) {
  world.kill(0);
  world.kill(1);
  world.vantage(there).up = false;
}

// Neither reaches anything of the other's region, nor the other.
void split(World& world, bool is_split) {
  for (std::size_t relay = 0; relay < regions.size(); ++relay) {
    world.vantage(relay == us ? there : here).reaches[relay] = !is_split;
  }
  world.connect(here, there, !is_split);
}

// Until clients of eu are sent to us.
std::vector<std::chrono::nanoseconds> times_to_fail_over(double loss, std::uint32_t seeds) {
  std::vector<std::chrono::nanoseconds> times;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = regions, .one_way = 20ms});
    world.run_for(5s);  // at the start it may take a lossy line seconds to make its allocations
    world.vantage(here).loss = loss;
    world.run_for(5s + milliseconds(seed * 379 % 3000));
    const auto lost_at = world.now();
    lose_eu(world);
    while (world.health(here).served_by("calls", "eu") != "us" && world.now() - lost_at < 10s) world.run_for(10ms);
    times.push_back(world.now() - lost_at);
  }
  std::ranges::sort(times);
  return times;
}

TEST(LostRegion, TheOneVantageThatIsLeftMovesItsClientsInTime) {
  const auto times = times_to_fail_over(0, 300);
  EXPECT_LT(times.back(), 1300ms) << "with half a second for the clients to move, they wait longer than two";
  RecordProperty("longest_ms", static_cast<int>(times.back() / 1ms));
}

TEST(LostRegion, AFifthOfAllPacketsLostNearTheVantageThatIsLeftSeldomCostsMore) {
  const auto times = times_to_fail_over(0.2, 300);
  EXPECT_LT(times[times.size() * 95 / 100], 1500ms);
  EXPECT_LT(times.back(), 6s) << "at worst it takes as long as a vantage's word lasts";
}

TEST(LostRegion, AVantageThatStopsMovesNobody) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = regions});
    world.run_for(5s);
    world.forget_changes();
    world.vantage(there).up = false;
    world.run_for(30s);
    EXPECT_TRUE(world.changes().empty());
  }
}

// Each reaches all relays all the time.
TEST(LostRegion, TwoVantagesThatOnlyLoseEachOtherMoveNobody) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = regions});
    world.run_for(5s);
    world.forget_changes();
    for (int i = 0; i < 20; ++i) {
      world.connect(here, there, false);
      world.run_for(milliseconds(300 + i * 500));
      world.connect(here, there, true);
      world.run_for(10s);
    }
    EXPECT_TRUE(world.changes().empty());
  }
}

TEST(LostRegion, HalvesOfTwoVantagesActByWhatTheySeeAndHealWithoutFlapping) {
  for (const auto time : {400ms, 700ms, 1'300ms, 2'000ms, 3'500ms, 5'200ms, 8'000ms, 30'000ms}) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
      World world({.seed = seed, .vantages = 2, .relays = regions});
      world.run_for(5s + milliseconds(seed * 173 % 1000));
      world.forget_changes();
      split(world, true);
      world.run_for(time);
      if (time >= 2s) {
        EXPECT_EQ(world.health(here).served_by("calls", "eu"), "us");
        EXPECT_EQ(world.health(there).served_by("calls", "us"), "eu");
        EXPECT_EQ(world.health(here).served_by("calls", "us"), "us");
        EXPECT_EQ(world.health(there).served_by("calls", "eu"), "eu");
      } else if (time < 1s) {
        EXPECT_TRUE(world.failovers().empty()) << "so short a break moves nobody";
      }
      world.forget_changes();
      split(world, false);
      world.run_for(30s);
      EXPECT_EQ(falls(world), 0) << time.count() << " ms, seed " << seed;
      for (const auto& failover : world.failovers()) EXPECT_TRUE(failover.is_return());
      EXPECT_LE(world.failovers().size(), 2U);
      for (std::size_t relay = 0; relay < regions.size(); ++relay) {
        EXPECT_EQ(world.verdict(here, relay), Verdict::healthy);
        EXPECT_EQ(world.verdict(there, relay), Verdict::healthy);
      }
    }
  }
}

// The two that were cut off come back with what they could not see, and are two against one.
TEST(LostRegion, TheSmallerHalfIsNotOutvotedByWhatTheLargerCouldNotSee) {
  for (const auto time : {1'500ms, 2'500ms, 4'000ms, 8'000ms}) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
      World world({.seed = seed, .vantages = 3, .relays = regions});
      world.run_for(5s + milliseconds(seed * 173 % 1000));
      const auto cut = [&](bool is_cut) {
        split(world, is_cut);
        world.vantage(2).reaches[us] = !is_cut;
        world.connect(here, 2, !is_cut);
      };
      cut(true);
      world.run_for(time);
      world.forget_changes();
      cut(false);
      world.run_for(30s);
      EXPECT_EQ(falls(world), 0) << time.count() << " ms, seed " << seed;
    }
  }
}

// A firewall stands between one vantage and a relay, for good; the other vouches for the relay over a line that stalls
// now and then.
TEST(LostRegion, AnOldDisagreementOverALossyLineMovesNobody) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = regions});
    world.run_for(5s);
    world.vantage(here).reaches[0] = false;
    world.vantage(there).loss = 0.2;
    world.run_for(10s);
    world.forget_changes();
    world.run_for(4h);
    EXPECT_EQ(falls(world), 0);
    EXPECT_EQ(world.verdict(here, 0), Verdict::degraded);
  }
}

TEST(LostRegion, ADayWithAFifthOfAllPacketsLostNearOneOfTwoVantagesMovesNobody) {
  for (std::uint32_t seed = 1; seed <= 2; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = {"eu", "us"}});
    world.vantage(seed % 2).loss = 0.2;
    world.run_for(24h);
    EXPECT_EQ(falls(world), 0);
    EXPECT_TRUE(world.failovers().empty());
  }
}

// What waits in its sockets when it goes on is not silence.
TEST(LostRegion, AProcessThatStoodStillForAMomentTakesNobodysWordAway) {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    World world({.seed = seed, .vantages = 2, .relays = regions});
    world.run_for(5s + milliseconds(seed * 373 % 1000));
    world.forget_changes();
    world.vantage(here).reaches[0] = false;  // there still sees it
    world.run_for(milliseconds(seed * 31 % 1500));
    world.stop_process(here, milliseconds(200 + seed * 71 % 12'000));
    world.run_for(30s);
    EXPECT_EQ(falls(world), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
