#include "monitor/service/probe_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

TEST(ProbeGate, NoMoreProbesRunThanThereAreSocketsFor) {
  const auto gate = std::make_shared<ProbeGate>(2);
  std::vector<std::shared_ptr<ProbeGate::Pass>> inside;
  int entered = 0;
  for (int i = 0; i < 5; ++i) {
    gate->enter([&](std::shared_ptr<ProbeGate::Pass> pass) {
      ++entered;
      inside.push_back(std::move(pass));
    });
  }
  const auto leave = [&] {
    const auto pass = std::move(inside.back());  // dropped once the vector is whole again: others come in meanwhile
    inside.pop_back();
  };
  EXPECT_EQ(entered, 2);
  leave();
  EXPECT_EQ(entered, 3);
  while (!inside.empty()) leave();
  EXPECT_EQ(entered, 5);
}

TEST(ProbeGate, ThoseThatChangedTheirMindLetAllOthersIn) {
  const auto gate = std::make_shared<ProbeGate>(1);
  std::shared_ptr<ProbeGate::Pass> first;
  gate->enter([&](std::shared_ptr<ProbeGate::Pass> pass) { first = std::move(pass); });
  int gone = 0;
  for (int i = 0; i < 100'000; ++i) gate->enter([&](const std::shared_ptr<ProbeGate::Pass>&) { ++gone; });
  first.reset();
  EXPECT_EQ(gone, 100'000);
}

TEST(AcceptedKeys, OnlyOtherRelaysAndOnlyLatelyCount) {
  AcceptedKeys keys;
  const SteadyTime now{1h};
  keys.accepted("k1", "eu-0", now);
  EXPECT_FALSE(keys.elsewhere("k1", "eu-0", now, 30s));
  EXPECT_TRUE(keys.elsewhere("k1", "eu-1", now, 30s));
  EXPECT_FALSE(keys.elsewhere("k2", "eu-1", now, 30s));
  keys.accepted("k1", "eu-1", now + 20s);
  EXPECT_TRUE(keys.elsewhere("k1", "eu-1", now + 20s, 30s)) << "the one before it is another";
  EXPECT_TRUE(keys.elsewhere("k1", "eu-0", now + 40s, 30s));
  EXPECT_FALSE(keys.elsewhere("k1", "eu-1", now + 40s, 30s));
}

}  // namespace
}  // namespace turnkeeper::monitor
