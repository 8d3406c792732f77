#include "turnkeeper/kube/leader_election.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

// One Lease as the API server keeps it: created once, replaced only from its newest version.
class LeaseServer final : public Transport {
 public:
  Result<Response> send(const Request& request, Deadline, std::stop_token) override {
    if (!reachable) return kube::fail(Error(ErrorKind::unreachable, "down"));
    if (request.method == "GET") {
      return lease.is_null() ? Response{404, R"({"code":404})", {}} : Response{200, lease.dump(), {}};
    }
    json sent = json::parse(request.body);
    if (request.method == "POST" && !lease.is_null()) return Response{409, R"({"reason":"AlreadyExists"})", {}};
    if (request.method == "PUT" && resource_version_of(sent) != resource_version_of(lease)) {
      return Response{409, R"({"reason":"Conflict"})", {}};
    }
    sent["metadata"]["resourceVersion"] = std::to_string(++version);
    lease = sent;
    return Response{200, lease.dump(), {}};
  }
  Result<Opened> open(const Request&, std::chrono::seconds, std::stop_token) override {
    return kube::fail(Error(ErrorKind::unexpected, "no watch here"));
  }
  [[nodiscard]] std::string holder() const { return text_at(lease, "/spec/holderIdentity"); }

  json lease;
  int version = 0;
  bool reachable = true;
};

class LeaderElectionTest : public ::testing::Test {
 protected:
  using State = LeaderElection::State;
  std::shared_ptr<LeaseServer> server = std::make_shared<LeaseServer>();
  Client client{server};
  ManualClock clock;
  LeaderElection a{client, {.lease = {"ns", "operator"}, .identity = "a"}, clock};
  LeaderElection b{client, {.lease = {"ns", "operator"}, .identity = "b"}, clock};
};

TEST_F(LeaderElectionTest, OneLeadsAndTheOtherTakesOverWhenItDies) {
  EXPECT_EQ(a.step(), State::leading);
  EXPECT_EQ(b.step(), State::waiting);
  for (int i = 0; i < 20; ++i) {
    clock.advance(2s);
    EXPECT_EQ(a.step(), State::leading);
    EXPECT_EQ(b.step(), State::waiting);
  }
  clock.advance(14s);
  EXPECT_EQ(b.step(), State::waiting);
  clock.advance(1s);
  EXPECT_EQ(b.step(), State::leading);
  EXPECT_EQ(server->holder(), "b");
  EXPECT_EQ(server->lease["spec"]["leaseTransitions"], 1);
  EXPECT_EQ(a.step(), State::lost) << "the first one must not go on";
  EXPECT_FALSE(a.healthy());
}

TEST_F(LeaderElectionTest, AWrongWallClockTakesNothingAway) {
  ASSERT_EQ(a.step(), State::leading);
  clock.jump(24h);
  EXPECT_EQ(b.step(), State::waiting);
  clock.advance(2s);
  EXPECT_EQ(a.step(), State::leading);
}

TEST_F(LeaderElectionTest, ReleasingLetsTheNextOneInAtOnce) {
  ASSERT_EQ(a.step(), State::leading);
  ASSERT_EQ(b.step(), State::waiting);
  a.release();
  EXPECT_EQ(b.step(), State::leading);
}

TEST_F(LeaderElectionTest, AHolderThatCannotRenewGivesUpBeforeOthersMayTakeOver) {
  ASSERT_EQ(a.step(), State::leading);
  server->reachable = false;
  clock.advance(9s);
  EXPECT_EQ(a.step(), State::leading);
  clock.advance(1s);
  EXPECT_EQ(a.step(), State::lost);
}

TEST_F(LeaderElectionTest, ARestartedHolderOfTheSameNameGoesOn) {
  ASSERT_EQ(a.step(), State::leading);
  LeaderElection again(client, {.lease = {"ns", "operator"}, .identity = "a"}, clock);
  EXPECT_EQ(again.step(), State::leading);
  EXPECT_EQ(server->lease["spec"]["leaseTransitions"], 0);
}

TEST_F(LeaderElectionTest, LeadsUntilStoppedAndThenReleases) {
  std::stop_source stop;
  std::atomic<bool> led = false;
  EXPECT_TRUE(a.run(stop.get_token(), [&](std::stop_token) {
    led = true;
    stop.request_stop();
  }));
  EXPECT_TRUE(led);
  EXPECT_EQ(server->holder(), "");
}

}  // namespace
}  // namespace turnkeeper::kube
