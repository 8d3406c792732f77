#include "operator/controller/in_use.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

// A watch's last news, which may come while it is being stopped.
class Follower {
 public:
  explicit Follower(std::function<void()> on_change) : on_change_(std::move(on_change)) {}
  ~Follower() { on_change_(); }

 private:
  std::function<void()> on_change_;
};

// An operator that is stopped while a Secret changes would crash.
TEST(InUseTest, NewsThatComeDuringTheEndConcernNobody) {
  std::vector<kube::ObjectKey> concerned;
  {
    InUse<Follower> followers([&](const kube::ObjectKey& name) {
      return std::make_shared<Follower>([&, name] {
        for (const auto& user : followers.users(name)) concerned.push_back(user);
      });
    });
    followers.use({"telephony", "calls"}, {{"telephony", "tls"}, {"telephony", "keys"}, {"telephony", "site"}});
    EXPECT_EQ(followers.users({"telephony", "tls"}).size(), 1U);
  }
  EXPECT_TRUE(concerned.empty());
}

TEST(InUseTest, AThingGoesWithItsLastUser) {
  int ended = 0;
  InUse<Follower> followers([&](const kube::ObjectKey&) { return std::make_shared<Follower>([&] { ++ended; }); });
  const kube::ObjectKey secret{"telephony", "tls"};
  followers.use({"telephony", "calls"}, {secret});
  followers.use({"telephony", "meetings"}, {secret});
  followers.use({"telephony", "calls"}, {});
  EXPECT_EQ(ended, 0);
  EXPECT_TRUE(followers.find(secret));
  followers.use({"telephony", "meetings"}, {});
  EXPECT_EQ(ended, 1);
  EXPECT_FALSE(followers.find(secret));
}

}  // namespace
}  // namespace turnkeeper::op
