#include "operator/controller/own_writes.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json service(const std::string& version) {
  return {{"kind", "Service"}, {"metadata", {{"name", "calls-eu"}, {"namespace", "ns"}, {"resourceVersion", version}}}};
}

class OwnWritesTest : public ::testing::Test {
 protected:
  std::vector<json> seen(const std::vector<json>& cached, SteadyTime now, const std::string& site = "") {
    std::vector<Placed> placed;
    for (const auto& object : cached) placed.push_back({site, object});
    used = writes.complete(placed, now);
    std::vector<json> objects;
    for (const auto& object : placed) objects.push_back(object.object);
    return objects;
  }
  OwnWrites writes;
  bool used = false;
  const SteadyTime start{100h};
};

TEST_F(OwnWritesTest, AnObjectJustMadeIsThereBeforeTheWatchSaysSo) {
  writes.remember("", {"", service("7")}, start);
  EXPECT_EQ(seen({}, start + 1s), std::vector<json>{service("7")});
  EXPECT_TRUE(used);
}

TEST_F(OwnWritesTest, TheOldViewIsReplacedByWhatWasWritten) {
  writes.remember("5", {"", service("7")}, start);
  EXPECT_EQ(seen({service("5")}, start), std::vector<json>{service("7")});
}

TEST_F(OwnWritesTest, AsSoonAsTheWatchMovesOnItIsBelieved) {
  writes.remember("5", {"", service("7")}, start);
  EXPECT_EQ(seen({service("9")}, start), std::vector<json>{service("9")});
  EXPECT_FALSE(used);
  writes.remember("5", {"", service("7")}, start);
  EXPECT_TRUE(seen({}, start).empty()) << "deleted by someone after our write";
}

TEST_F(OwnWritesTest, WhatWasDeletedBeforeTheWatchEverShowedItComesBack) {
  writes.remember("", {"", service("7")}, start);
  EXPECT_EQ(seen({}, start + 4999ms).size(), 1U);
  EXPECT_TRUE(seen({}, start + 5s).empty()) << "believed for ever, it would never be made again";
}

TEST_F(OwnWritesTest, AWriteThatChangedNothingNeedsNoBelief) {
  writes.remember("7", {"", service("7")}, start);
  static_cast<void>(seen({service("7")}, start));
  EXPECT_FALSE(used);
}

TEST_F(OwnWritesTest, WhatTheWatchHasShownIsForgotten) {
  std::string in_cache;
  const auto version_now = [&](const std::string&, const std::string& kind, const kube::ObjectKey& key) {
    return kind == "Service" && key.name == "calls-eu" ? in_cache : "?";
  };
  writes.remember("", {"", service("7")}, start);
  writes.forget_seen(version_now);
  EXPECT_FALSE(writes.empty());
  in_cache = "7";
  writes.forget_seen(version_now);
  EXPECT_TRUE(writes.empty());
}

TEST_F(OwnWritesTest, TheSameNameAtAnotherSiteIsAnotherObject) {
  writes.remember("5", {"", service("7")}, start);
  EXPECT_EQ(seen({service("5")}, start, "us-east").front(), service("5"));
}

}  // namespace
}  // namespace turnkeeper::op
