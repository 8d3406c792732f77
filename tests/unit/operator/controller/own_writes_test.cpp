#include "operator/controller/own_writes.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* label = "turnkeeper.io/cluster";

json service(const std::string& version, const std::string& cluster = "calls") {
  return {{"kind", "Service"},
          {"metadata",
           {{"name", "calls-eu"},
            {"namespace", "ns"},
            {"resourceVersion", version},
            {"labels", {{"turnkeeper.io/cluster", cluster}}}}}};
}

class OwnWritesTest : public ::testing::Test {
 protected:
  std::vector<json> seen(std::vector<json> cached, SteadyTime now) {
    used = writes.complete("ns", label, "calls", cached, now);
    return cached;
  }
  OwnWrites writes;
  bool used = false;
  const SteadyTime start{100h};
};

TEST_F(OwnWritesTest, AnObjectJustMadeIsThereBeforeTheWatchSaysSo) {
  writes.remember("", service("7"), start);
  EXPECT_EQ(seen({}, start + 1s), std::vector<json>{service("7")});
  EXPECT_TRUE(used);
}

TEST_F(OwnWritesTest, TheOldViewIsReplacedByWhatWasWritten) {
  writes.remember("5", service("7"), start);
  EXPECT_EQ(seen({service("5")}, start), std::vector<json>{service("7")});
}

TEST_F(OwnWritesTest, AsSoonAsTheWatchMovesOnItIsBelieved) {
  writes.remember("5", service("7"), start);
  EXPECT_EQ(seen({service("9")}, start), std::vector<json>{service("9")});
  EXPECT_FALSE(used);
  writes.remember("5", service("7"), start);
  EXPECT_TRUE(seen({}, start).empty()) << "deleted by someone after our write";
}

TEST_F(OwnWritesTest, WhatWasDeletedBeforeTheWatchEverShowedItComesBack) {
  writes.remember("", service("7"), start);
  EXPECT_EQ(seen({}, start + 4999ms).size(), 1U);
  EXPECT_TRUE(seen({}, start + 5s).empty()) << "believed for ever, it would never be made again";
}

TEST_F(OwnWritesTest, AWriteThatChangedNothingNeedsNoBelief) {
  writes.remember("7", service("7"), start);
  static_cast<void>(seen({service("7")}, start));
  EXPECT_FALSE(used);
}

TEST_F(OwnWritesTest, OtherClustersAreLeftAlone) {
  writes.remember("", service("7", "other"), start);
  EXPECT_TRUE(seen({}, start).empty());
}

TEST_F(OwnWritesTest, OneObjectAlone) {
  writes.remember("5", service("7"), start);
  EXPECT_EQ(writes.see("Service", {"ns", "calls-eu"}, service("5"), start), service("7"));
  EXPECT_EQ(writes.see("Service", {"ns", "calls-eu"}, service("6"), start), service("6"));
  EXPECT_EQ(writes.see("Service", {"ns", "other"}, nullptr, start), nullptr);
}

}  // namespace
}  // namespace turnkeeper::op
