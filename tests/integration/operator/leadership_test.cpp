// Two operators: one writes, the other takes over.
#include <algorithm>
#include <csignal>

#include "audit.hpp"
#include "operator_process.hpp"
#include "rights.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class LeadershipTest : public OperatorTest {
 protected:
  // Leaders renew the Lease all the time.
  [[nodiscard]] std::vector<std::string> writes_but_the_lease() const {
    auto writes = writes_by_operator();
    std::erase_if(writes, [](const auto& write) { return write.find("/leases") != std::string::npos; });
    return writes;
  }
  // A user of its own, so that the audit log tells one operator from another.
  [[nodiscard]] std::string kubeconfig_as(const std::string& account) {
    const Rights rights(*part, ns);
    rights.make_administrator(account);
    return files_.emplace_back(std::make_unique<TextFile>(account, rights.kubeconfig_of(account)))->path();
  }
  // What that user asked to be written, but for the Lease, of the requests from `first` on: "201 patch /api/...".
  [[nodiscard]] std::vector<std::string> written_by(const std::string& account, std::size_t first) const {
    const auto requests = audited(*part);
    std::vector<std::string> out;
    for (std::size_t i = first; i < requests.size(); ++i) {
      const auto& request = requests[i];
      if (request.user != Rights(*part, ns).user_of(account) || !request.writes()) continue;
      if (request.resource.starts_with("leases") || request.resource.starts_with("events")) continue;
      out.push_back(std::to_string(request.code) + ' ' + request.verb + ' ' + request.uri);
    }
    return out;
  }
  // Nobody writes any more, for longer than an operator believes what it wrote. Those that undo each other's work never
  // come to that.
  [[nodiscard]] bool comes_to_rest() {
    return eventually([&] {
      const auto writes = writes_but_the_lease();
      return !eventually([&] { return writes_but_the_lease() != writes; }, 6s);
    });
  }

 private:
  std::vector<std::unique_ptr<TextFile>> files_;
};

const char* const leads = R"(leader_election_master_status{name="turnkeeper-operator"})";

TEST_F(LeadershipTest, TheStandbyTakesOverWhenTheLeaderIsStopped) {
  const std::vector<std::string> elected{"--leader-elect", "--namespace=" + ns};
  OperatorProcess first(kubeconfig(), elected);
  ASSERT_TRUE(eventually([&] { return first.metric(leads) == 1; }));
  OperatorProcess second(kubeconfig(), elected);
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 0; }));
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return exists(kube::stateful_sets, "calls-eu"); }));

  const auto holder = [&] { return (*get(kube::leases, "turnkeeper-operator"))["spec"].value("holderIdentity", ""); };
  const std::string stopped = holder();
  first.process().signal(SIGTERM);
  EXPECT_EQ(first.process().wait(in(10s)), 0) << "a stop that was asked for is no failure";
  EXPECT_NE(holder(), stopped) << "the standby has to wait for the lease's end";
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 1; }));
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

// Neither is asked to behave: the first is held still for longer than its lease lasts, and wakes as if nothing were.
TEST_F(LeadershipTest, ALeaderThatSleptThroughItsLeaseDoesNoHarm) {
  const std::vector<std::string> elected{"--leader-elect", "--namespace=" + ns};
  OperatorProcess first(kubeconfig_as("sleeper"), elected);
  ASSERT_TRUE(eventually([&] { return first.metric(leads) == 1; }));
  OperatorProcess second(kubeconfig_as("standby"), elected);
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 0; }));
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  ASSERT_TRUE(eventually([&] { return children() == expected_children("calls", {"eu"}); }));
  const auto keys = get(kube::secrets, "calls-signing-keys")->at("data");

  first.process().signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return second.metric(leads) == 1; }, 40s)) << second.log();
  // Work for both: the first wakes to find it undone in what it knows.
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}, {{"name", "us"}}})));
  remove(kube::services, "calls-eu");
  const auto asleep = audited(*part).size();
  first.process().signal(SIGCONT);
  EXPECT_EQ(first.process().wait(in(30s)), 1) << "it must find that it leads no more";
  EXPECT_NE(first.log().find("another operator leads now"), std::string::npos) << first.log();

  ASSERT_TRUE(eventually([&] {
    return children() == expected_children("calls", {"eu", "us"});
  })) << ::testing::PrintToString(children());
  EXPECT_EQ(get(kube::secrets, "calls-signing-keys")->at("data"), keys) << "clients' credentials would be refused";
  EXPECT_EQ(second.metric(leads), 1);
  EXPECT_THAT(written_by("sleeper", asleep), ::testing::IsEmpty()) << "it leads no more";
  EXPECT_THAT(contest(*part, ns).harm, ::testing::IsEmpty());
  EXPECT_TRUE(comes_to_rest());
}

TEST_F(LeadershipTest, ALeaseThatIsStolenUnderWorkLeadsToTheSameResult) {
  const std::vector<std::string> elected{"--leader-elect", "--namespace=" + ns};
  auto first = std::make_unique<OperatorProcess>(kubeconfig_as("leader"), elected);
  ASSERT_TRUE(eventually([&] { return first->metric(leads) == 1; }));
  // Two that both believe to lead, for as long as the first needs to see it: the thief does not ask for the Lease.
  OperatorProcess thief(kubeconfig_as("thief"), {"--namespace=" + ns});
  apply(turn_clusters, cluster("calls", json::array({{{"name", "eu"}}})));
  apply(turn_clusters, cluster("meetings", json::array({{{"name", "eu"}}, {{"name", "us"}}})));
  ASSERT_TRUE(eventually([&] {
    json lease = *get(kube::leases, "turnkeeper-operator");
    lease["spec"]["holderIdentity"] = "thief";
    return client->replace(kube::leases, lease, in(10s)).has_value();
  }));
  EXPECT_EQ(first->process().wait(in(30s)), 1);
  const auto lost = audited(*part).size();
  const auto both = [&] {
    auto all = expected_children("calls", {"eu"});
    for (const auto& child : expected_children("meetings", {"eu", "us"})) all.push_back(child);
    std::sort(all.begin(), all.end());
    return all;
  };
  ASSERT_TRUE(eventually([&] { return children() == both(); })) << ::testing::PrintToString(children());
  const auto keys = get(kube::secrets, "calls-signing-keys")->at("data");
  EXPECT_THAT(written_by("leader", lost), ::testing::Each(::testing::StartsWith("504 "))) << "it had ended";
  const auto met = contest(*part, ns);
  EXPECT_THAT(met.harm, ::testing::IsEmpty());
  RecordProperty("conflicts", met.conflicts);
  EXPECT_TRUE(comes_to_rest());
  EXPECT_EQ(get(kube::secrets, "calls-signing-keys")->at("data"), keys);
}

}  // namespace
}  // namespace turnkeeper::op
