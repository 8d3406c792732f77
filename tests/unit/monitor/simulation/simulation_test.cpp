// What happens to clients when vantages, lines, processes and clocks misbehave.
#include <gtest/gtest.h>

#include <algorithm>

#include <set>

#include "world.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Verdict;
using namespace std::chrono_literals;

int falls(const World& world) {
  return static_cast<int>(std::ranges::count(world.changes(), Verdict::unhealthy, &World::Change::verdict));
}

TEST(Simulation, AVantageWhoseLineBreaksChangesNothingAndTakesNothingBackWhenItReturns) {
  for (const std::size_t vantages : {1, 2, 3}) {
    for (const bool kernel_says_so : {true, false}) {
      for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        World world({.seed = seed, .vantages = vantages});
        world.run_for(5s + std::chrono::milliseconds(seed * 37 % 1000));
        world.forget_changes();
        world.vantage(0).up = false;
        world.vantage(0).cut_off = kernel_says_so;
        world.run_for(1s);
        EXPECT_TRUE(world.health(0).is_blind());
        world.run_for(29s);
        world.vantage(0).up = true;
        world.vantage(0).cut_off = false;
        world.run_for(30s);
        EXPECT_FALSE(world.health(0).is_blind());
        EXPECT_EQ(falls(world), 0) << vantages << " vantages, seed " << seed;
        EXPECT_TRUE(world.failovers().empty());
        for (std::size_t v = 0; v < vantages; ++v) EXPECT_EQ(world.verdict(v, 0), Verdict::healthy);
      }
    }
  }
}

TEST(Simulation, ABlindVantageHoldsNobodyBackFromSeeingADeath) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    World world({.seed = seed, .vantages = 3});
    world.run_for(5s);
    world.vantage(2).up = false;
    world.run_for(10s);
    world.forget_changes();
    world.kill(0);
    world.run_for(500ms);
    EXPECT_EQ(world.verdict(0, 0), Verdict::unhealthy);
    EXPECT_EQ(world.verdict(1, 0), Verdict::unhealthy);
    EXPECT_EQ(world.verdict(2, 0), Verdict::healthy) << "the last that it knew";
  }
}

TEST(Simulation, ARelayThatDiedBeforeItsVantageWentBlindStaysDead) {
  World world({.seed = 3});
  world.run_for(5s);
  world.kill(0);
  world.run_for(5s);
  EXPECT_EQ(world.verdict(0, 0), Verdict::unhealthy);
  world.forget_changes();
  world.vantage(0).up = false;
  world.vantage(0).cut_off = true;
  world.run_for(30s);
  EXPECT_EQ(world.verdict(0, 0), Verdict::unhealthy);
  EXPECT_EQ(world.verdict(0, 1), Verdict::healthy);
  EXPECT_TRUE(world.failovers().empty());
}

TEST(Simulation, EverythingDeadIsNotBlindnessWhenTheGatewayAnswers) {
  World world({.seed = 4});
  world.run_for(5s);
  world.kill(0);
  world.kill(1);
  world.run_for(1s);
  EXPECT_FALSE(world.health(0).is_blind());
  EXPECT_EQ(world.verdict(0, 0), Verdict::unhealthy);
  EXPECT_EQ(world.verdict(0, 1), Verdict::unhealthy);
}

TEST(Simulation, AFlappingRelayIsGivenBackToItsClientsLessAndLessOften) {
  World world({.seed = 5});
  world.run_for(5s);
  world.forget_changes();
  for (int i = 0; i < 60; ++i) {
    world.kill(0);
    world.run_for(3s);
    world.revive(0);
    world.run_for(12s);
  }
  EXPECT_LE(world.failovers().size(), 16U) << "60 deaths in a quarter of an hour moved the clients each time";
  EXPECT_GE(world.failovers().size(), 4U);
  world.run_for(2min);
  EXPECT_EQ(world.verdict(0, 0), Verdict::healthy) << "when it is quiet it is trusted again";
}

TEST(Simulation, AWholeRegionThatFailsIsOneEvent) {
  World world({.seed = 6, .vantages = 3, .relays = {"eu", "eu", "eu", "eu", "us"}});
  world.run_for(5s);
  world.forget_changes();
  for (std::size_t relay = 0; relay < 4; ++relay) world.kill(relay);
  world.run_for(60s);
  for (std::size_t v = 0; v < 3; ++v) {
    ASSERT_EQ(world.incidents(v).size(), 1U);
    const auto& event = world.incidents(v)[0];
    EXPECT_EQ(event.what, IncidentEvent::What::started);
    EXPECT_EQ(event.incident.scope, Incident::Scope::region);
    EXPECT_EQ(event.incident.region, "eu");
    EXPECT_EQ(event.incident.relays.size(), 4U);
  }
  for (std::size_t relay = 0; relay < 4; ++relay) world.revive(relay);
  world.run_for(30s);
  ASSERT_EQ(world.incidents(0).size(), 2U);
  EXPECT_EQ(world.incidents(0)[1].what, IncidentEvent::What::ended);
  EXPECT_EQ(world.incidents(0)[1].incident.key, world.incidents(0)[0].incident.key);
}

// Vantages 0 and 1 with relay 0 on one side; 2, 3 and 4 with relay 1 on the other.
TEST(Simulation, EachHalfOfASplitActsByWhatItSeesAndHealsWithoutFlapping) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    World world({.seed = seed, .vantages = 5});
    world.run_for(5s);
    world.forget_changes();
    const auto split = [&](bool together) {
      for (std::size_t a = 0; a < 2; ++a) {
        world.vantage(a).reaches[1] = together;
        for (std::size_t b = 2; b < 5; ++b) {
          world.vantage(b).reaches[0] = together;
          world.connect(a, b, together);
        }
      }
    };
    split(false);
    world.run_for(30s);
    for (std::size_t v = 0; v < 5; ++v) {
      EXPECT_EQ(usable(world.verdict(v, 0)), v < 2) << "vantage " << v;
      EXPECT_EQ(usable(world.verdict(v, 1)), v >= 2) << "vantage " << v;
    }
    world.forget_changes();
    split(true);
    world.run_for(30s);
    EXPECT_EQ(falls(world), 0) << "seed " << seed;
    for (std::size_t v = 0; v < 5; ++v) {
      EXPECT_EQ(world.verdict(v, 0), Verdict::healthy);
      EXPECT_EQ(world.verdict(v, 1), Verdict::healthy);
    }
    for (const auto& failover : world.failovers()) EXPECT_TRUE(failover.is_return());
    EXPECT_EQ(world.failovers().size(), 5U) << "each vantage takes its one failover back, once";
  }
}

TEST(Simulation, AWallClockThatJumpsAnHourEitherWayChangesNothing) {
  World world({.seed = 8, .vantages = 3});
  world.run_for(5s);
  world.forget_changes();
  world.jump_wall_clock(1h);
  world.run_for(30s);
  world.jump_wall_clock(-2h);
  world.run_for(30s);
  EXPECT_TRUE(world.changes().empty());
}

TEST(Simulation, AProcessThatWasStoppedForTenSecondsTellsNothingWrong) {
  for (const std::size_t vantages : {1, 2, 3}) {
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
      World world({.seed = seed, .vantages = vantages});
      if (seed % 2 == 0) world.vantage(0).loss = 0.2;  // so that it is stopped in the middle of a suspicion
      world.run_for(20s + std::chrono::milliseconds(seed * 53 % 2000));
      world.forget_changes();
      world.stop_process(0, 10s);
      world.run_for(40s);
      EXPECT_EQ(falls(world), 0) << vantages << " vantages, seed " << seed;
      EXPECT_TRUE(world.failovers().empty());
      EXPECT_EQ(world.verdict(0, 0), Verdict::healthy);
      EXPECT_EQ(world.verdict(0, 1), Verdict::healthy);
    }
  }
}

TEST(Simulation, ARestartedRelayIsReportedAndServesAgain) {
  World world({.seed = 9, .vantages = 3});
  world.run_for(5s);
  world.forget_changes();
  world.kill(0);
  world.revive(0);
  world.run_for(30s);
  std::set<std::size_t> told;
  for (const auto& change : world.changes()) {
    if (change.cause == api::Cause::restarted) told.insert(change.vantage);
  }
  EXPECT_EQ(told.size(), 3U);
  EXPECT_EQ(world.verdict(0, 0), Verdict::healthy);
}

}  // namespace
}  // namespace turnkeeper::monitor
