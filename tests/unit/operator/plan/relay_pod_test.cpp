#include "operator/plan/relay_pod.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

RelayPod read(const json& pod, const NodeAddresses& nodes = {}) {
  const auto pods = relay_pods(two_regions(), {pod}, nodes);
  EXPECT_EQ(pods.size(), 1u) << pod.dump();
  return pods.empty() ? RelayPod{} : pods[0];
}

TEST(RelayPods, AreReadFromPods) {
  const RelayPod expected = {.pod = "calls-eu-1",
                             .relay = "eu-1",
                             .region = "eu",
                             .ordinal = 1,
                             .uid = "calls-eu-1-uid",
                             .address = "10.0.1.2",
                             .revision = "new",
                             .running = true,
                             .ready = true};
  EXPECT_EQ(read(pod("eu", 1)), expected);
}

TEST(RelayPods, ComeInTheOrderOfRegionsAndOrdinals) {
  auto cluster = two_regions();
  cluster.spec.regions[0].relay.replicas = 12;
  const auto pods = relay_pods(cluster, {pod("us", 0), pod("eu", 10), pod("eu", 2), pod("eu", 0)}, {});
  std::vector<std::string> names;
  for (const auto& relay : pods) names.push_back(relay.relay);
  EXPECT_EQ(names, (std::vector<std::string>{"eu-0", "eu-2", "eu-10", "us-0"}));
}

TEST(RelayPods, AreReachedAtTheNodesExternalAddressWhenItHasOne) {
  const NodeAddresses nodes = {{"node-eu0", "203.0.113.7"}, {"node-us0", ""}};
  EXPECT_EQ(read(pod("eu", 0), nodes).address, "203.0.113.7");
  EXPECT_EQ(read(pod("us", 0), nodes).address, "10.0.2.1");

  auto cluster = two_regions();
  cluster.spec.regions[0].relay.exposure = api::Exposure::cluster_ip;
  EXPECT_EQ(relay_pods(cluster, {pod("eu", 0)}, nodes)[0].address, "10.0.1.1") << "nothing listens on the node";
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
  EXPECT_EQ(read(unscheduled).address, "");
}

TEST(RelayPods, LeaveOutWhatIsNotARelayOfThisCluster) {
  auto other_region = pod("eu", 0);
  other_region["metadata"]["name"] = "calls-asia-0";
  other_region["metadata"]["labels"]["turnkeeper.io/region"] = "asia";
  auto debug = pod("eu", 0);
  debug["metadata"]["name"] = "calls-eu-debug";
  auto overflow = pod("eu", 0);
  overflow["metadata"]["name"] = "calls-eu-99999999999999999999";
  EXPECT_TRUE(relay_pods(two_regions(), {other_region, debug, overflow, json::object(), json(3)}, {}).empty());
}

}  // namespace
}  // namespace turnkeeper::op
