#include "operator/link/target_board.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace turnkeeper::op {
namespace {

v1::ClusterTargets targets(const std::string& cluster, const std::string& realm = "r") {
  v1::ClusterTargets out;
  out.set_cluster(cluster);
  out.set_realm(realm);
  return out;
}

class TargetBoardTest : public ::testing::Test {
 protected:
  TargetBoard board;
  std::vector<TargetBoard::Set> heard;
  std::unique_ptr<TargetBoard::Subscription> subscription =
      board.subscribe([this](TargetBoard::Set set) { heard.push_back(std::move(set)); });
};

TEST_F(TargetBoardTest, NobodyHearsOfAnIncompleteSet) {
  board.publish(targets("ns/a"));
  EXPECT_TRUE(heard.empty()) << "a monitor would drop every cluster that was not looked at yet";
  EXPECT_EQ(board.newest(), nullptr);
  board.publish(targets("ns/b"));
  board.open();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0]->clusters_size(), 2);
}

TEST_F(TargetBoardTest, OnlyChangesAreTold) {
  board.open();
  board.publish(targets("ns/a"));
  board.publish(targets("ns/a"));
  EXPECT_EQ(heard.size(), 2U) << "the empty set and the first cluster";
  board.publish(targets("ns/a", "other"));
  EXPECT_EQ(heard.size(), 3U);
  board.withdraw("ns/a");
  board.withdraw("ns/a");
  ASSERT_EQ(heard.size(), 4U);
  EXPECT_EQ(heard.back()->clusters_size(), 0);
}

TEST_F(TargetBoardTest, WhoComesLaterHearsTheNewestAtOnce) {
  board.publish(targets("ns/a"));
  board.open();
  int heard_later = 0;
  auto late = board.subscribe([&](const TargetBoard::Set& set) { heard_later = set->clusters_size(); });
  EXPECT_EQ(heard_later, 1);
  late.reset();
  board.publish(targets("ns/b"));
  EXPECT_EQ(heard_later, 1);
}

}  // namespace
}  // namespace turnkeeper::op
