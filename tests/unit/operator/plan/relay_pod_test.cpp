#include "operator/plan/relay_pod.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

RelayPod read(const json& pod, const Nodes& nodes = {}) {
  const auto pods = relay_pods(two_regions(), at("", {pod}), nodes, {});
  EXPECT_EQ(pods.size(), 1u) << pod.dump();
  return pods.empty() ? RelayPod{} : pods[0];
}

TEST(RelayPods, AreReadFromPods) {
  const RelayPod expected = {.pod = "calls-eu-1",
                             .relay = "eu-1",
                             .region = "eu",
                             .ordinal = 1,
                             .uid = "calls-eu-1-uid",
                             .addresses = {"10.0.1.2"},
                             .relayed = {"10.0.1.2"},
                             .ports = {{api::Transport::udp, 3478}, {api::Transport::tcp, 3478}},
                             .agent = "10.0.1.2:9642",
                             .revision = "new",
                             .running = true,
                             .ready = true,
                             .node = "node-eu1",
                             .image = "docker.io/coturn/coturn:4.18.0",
                             .containers_ready = true,
                             .proof = Proof::proven,
                             .created = noon - std::chrono::hours(1)};
  EXPECT_EQ(read(pod("eu", 1)), expected);
}

TEST(RelayPods, ComeInTheOrderOfRegionsAndOrdinals) {
  auto cluster = two_regions();
  cluster.spec.regions[0].relay.replicas = 12;
  const auto pods = relay_pods(cluster, at("", {pod("us", 0), pod("eu", 10), pod("eu", 2), pod("eu", 0)}), {}, {});
  std::vector<std::string> names;
  for (const auto& relay : pods) names.push_back(relay.relay);
  EXPECT_EQ(names, (std::vector<std::string>{"eu-0", "eu-2", "eu-10", "us-0"}));
}

TEST(RelayPods, AreReachedAtTheNodesExternalAddressWhenItHasOne) {
  const Nodes nodes = {{"", {{"node-eu0", {.external_ips = {"203.0.113.7"}}}, {"node-us0", {}}}}};
  EXPECT_EQ(read(pod("eu", 0), nodes).addresses, std::vector<std::string>{"203.0.113.7"});
  EXPECT_EQ(read(pod("us", 0), nodes).addresses, std::vector<std::string>{"10.0.2.1"});

  auto cluster = two_regions();
  cluster.spec.regions[0].relay.exposure = api::Exposure::cluster_ip;
  EXPECT_EQ(relay_pods(cluster, at("", {pod("eu", 0)}), nodes, {})[0].addresses, std::vector<std::string>{"10.0.1.1"})
      << "nothing listens on the node";
}

TEST(RelayPods, SayWhetherTheyGoAway) {
  auto leaving = pod("eu", 0);
  leaving["metadata"]["annotations"]["turnkeeper.io/draining"] = "2026-08-01T12:00:00Z";
  EXPECT_EQ(read(leaving).draining, noon);
  leaving["metadata"]["annotations"]["turnkeeper.io/draining"] = "by hand";
  EXPECT_TRUE(read(leaving).draining.has_value()) << "a mark is a mark";
  leaving["metadata"]["deletionTimestamp"] = "2026-08-01T13:00:30Z";
  leaving["metadata"]["deletionGracePeriodSeconds"] = 3630;
  EXPECT_EQ(read(leaving).deleted_at, noon) << "Kubernetes dates the end of the grace period";
  EXPECT_TRUE(read(pod("eu", 0), {{"", {{"node-eu0", {.unschedulable = true}}}}}).cordoned);
}

TEST(RelayPods, SayWhetherTheyWereEverProven) {
  const auto proof = [](const char* status, const char* reason) {
    auto judged = pod("eu", 0);
    judged["status"]["conditions"] = {{{"type", "turnkeeper.io/proven"}, {"status", status}, {"reason", reason}}};
    return read(judged).proof;
  };
  EXPECT_EQ(proof("True", "MonitorNotHeard"), Proof::proven);
  EXPECT_EQ(proof("False", "NotYetProven"), Proof::never);
  EXPECT_EQ(proof("False", "Unhealthy"), Proof::failed);
  auto fresh = pod("eu", 0);
  fresh["status"]["conditions"] = json::array();
  EXPECT_EQ(read(fresh).proof, Proof::none);
}

TEST(RelayPods, OfACrashLoopTheyTellWhyTheContainerEnded) {
  auto crashing = pod("eu", 0);
  crashing["status"]["containerStatuses"] = {
      {{"state", {{"waiting", {{"reason", "CrashLoopBackOff"}, {"message", "back-off 10s restarting failed"}}}}},
       {"lastState", {{"terminated", {{"exitCode", 1}, {"message", "starting\nrelay.json: no realm\n"}}}}}}};
  EXPECT_EQ(read(crashing).trouble, "CrashLoopBackOff: relay.json: no realm");
}

TEST(RelayPods, SayWhatKeepsThemFromStarting) {
  auto waiting = pod("eu", 0);
  waiting["status"]["phase"] = "Pending";
  waiting["status"]["conditions"] = {{{"type", "Ready"}, {"status", "False"}}};
  waiting["status"]["initContainerStatuses"] = {{{"state", {{"terminated", {{"exitCode", 0}}}}}}};
  waiting["status"]["containerStatuses"] = {
      {{"state", {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "no such image"}}}}}}};
  EXPECT_EQ(read(waiting).trouble, "ImagePullBackOff: no such image");
  EXPECT_FALSE(read(waiting).ready);
  EXPECT_FALSE(read(waiting).running);

  waiting["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = "PodInitializing";
  EXPECT_EQ(read(waiting).trouble, "") << "that is not trouble";

  auto unscheduled = pod("eu", 0);
  unscheduled["status"] = {{"phase", "Pending"},
                           {"conditions",
                            {{{"type", "PodScheduled"},
                              {"status", "False"},
                              {"reason", "Unschedulable"},
                              {"message", "0/2 nodes are available"}}}}};
  EXPECT_EQ(read(unscheduled).trouble, "Unschedulable: 0/2 nodes are available");
  EXPECT_EQ(read(unscheduled).addresses, std::vector<std::string>());
}

TEST(RelayPods, TellWhatBecameOfTheirLastSessions) {
  auto ended = pod("eu", 0);
  ended["status"]["containerStatuses"] = {
      {{"name", "relay"},
       {"state", {{"terminated", {{"message", "2 sessions cut at the end of the drain timeout"}}}}}}};
  EXPECT_EQ(read(ended).last_words, "2 sessions cut at the end of the drain timeout");
  EXPECT_EQ(read(pod("eu", 0)).last_words, "");
}

TEST(RelayPods, LeaveOutWhatIsNotARelayOfThisCluster) {
  auto other_region = pod("eu", 0);
  other_region["metadata"]["name"] = "calls-asia-0";
  other_region["metadata"]["labels"]["turnkeeper.io/region"] = "asia";
  auto debug = pod("eu", 0);
  debug["metadata"]["name"] = "calls-eu-debug";
  auto overflow = pod("eu", 0);
  overflow["metadata"]["name"] = "calls-eu-99999999999999999999";
  EXPECT_TRUE(
      relay_pods(two_regions(), at("", {other_region, debug, overflow, json::object(), json(3)}), {}, {}).empty());
}

}  // namespace
}  // namespace turnkeeper::op
