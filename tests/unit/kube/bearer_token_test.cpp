#include "turnkeeper/kube/bearer_token.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace turnkeeper::kube {
namespace {

using namespace std::chrono_literals;

TEST(BearerToken, FollowsTheFileThatKubernetesRotates) {
  const std::string path = ::testing::TempDir() + "turnkeeper-token-" + std::to_string(::getpid());
  ManualClock clock;
  std::ofstream(path) << "first\n";
  BearerToken token(Secret("fixed"), path, clock);
  EXPECT_EQ(token.current().reveal(), "first");
  std::ofstream(path) << "second\n";
  EXPECT_EQ(token.current().reveal(), "first");
  clock.advance(1min);
  EXPECT_EQ(token.current().reveal(), "second");
  std::remove(path.c_str());
  clock.advance(1min);
  EXPECT_EQ(token.current().reveal(), "second") << "a file that is gone for a moment logs nobody out";
}

TEST(BearerToken, IsEmptyWhenThereIsNone) {
  ManualClock clock;
  EXPECT_TRUE(BearerToken(Secret(), "", clock).current().empty());
}

}  // namespace
}  // namespace turnkeeper::kube
