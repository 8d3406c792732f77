// Two operators: one writes, the other takes over.
#include <csignal>

#include "operator_process.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

using LeadershipTest = OperatorTest;

TEST_F(LeadershipTest, TheStandbyTakesOverWhenTheLeaderIsStopped) {
  const std::vector<std::string> elected{"--leader-elect", "--namespace=" + ns};
  const char* leads = R"(leader_election_master_status{name="turnkeeper-operator"})";
  OperatorProcess first(kubeconfig(), elected);
  ASSERT_TRUE(eventually([&] { return first.metric(leads) == 1; }));
  OperatorProcess second(kubeconfig(), elected);
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 0; }));
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));

  first.process().signal(SIGTERM);
  EXPECT_EQ(first.process().wait(in(10s)), 0) << "a stop that was asked for is no failure";
  // Released, so nobody waits for its end: a retry period, not the lease's 15 s.
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 1; }, 8s));
  remove(kube::services, "calls-eu");
  EXPECT_TRUE(eventually([&] { return exists(kube::services, "calls-eu"); }));
}

TEST_F(LeadershipTest, WhoLosesTheLeaseExits) {
  OperatorProcess op(kubeconfig(), {"--leader-elect", "--namespace=" + ns});
  ASSERT_TRUE(eventually([&] { return exists(kube::leases, "turnkeeper-operator"); }));
  // A conflict with the operator's own renewal only means: once more.
  ASSERT_TRUE(eventually([&] {
    json lease = *get(kube::leases, "turnkeeper-operator");
    lease["spec"]["holderIdentity"] = "another";
    lease["spec"]["leaseDurationSeconds"] = 3600;
    return client->replace(kube::leases, lease, in(10s)).has_value();
  }));
  EXPECT_EQ(op.process().wait(in(30s)), 1);
  EXPECT_NE(op.log().find("another operator leads now"), std::string::npos) << op.log();
}

}  // namespace
}  // namespace turnkeeper::op
