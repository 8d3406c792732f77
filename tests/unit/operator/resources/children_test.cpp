// The objects that the operator makes, as a person would read them: each is compared with a file in golden/, all built
// from golden/cluster.yaml. A change of one is a change of every relay out there: review the file as such.
#include "operator/resources/children.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "operator/resources/names.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/api/yaml_document.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

json golden(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(TURNKEEPER_SOURCE_DIR "/tests/unit/operator/resources/golden/" + name + ".yaml").rdbuf();
  const auto document = api::read_yaml(text.str());
  EXPECT_TRUE(document.has_value()) << name << ": " << (document ? "" : document.error().message);
  return document ? document->value : json();
}

const api::TurnCluster& cluster() {
  static const auto parsed = api::parse_object(golden("cluster"));
  return parsed.value();
}
const api::Region& eu_west() {
  return cluster().spec.regions[0];
}
const api::Region& lab() {
  return cluster().spec.regions[1];
}

void expect_golden(const json& object, const std::string& name) {
  const auto patch = json::diff(golden(name), object);
  EXPECT_TRUE(patch.empty()) << "golden/" << name << ".yaml is not what is built; the difference, as a JSON patch:\n"
                             << patch.dump(2);
}

api::SigningKeys keys() {
  return {{.id = "k1",
           .secret = Secret("5ec2e7"),
           .phase = api::SigningKey::Phase::retiring,
           .created = parse_rfc3339("2026-08-01T12:00:00Z").value()},
          {.id = "k2",
           .secret = Secret("c0ffee"),
           .phase = api::SigningKey::Phase::issuing,
           .created = parse_rfc3339("2026-10-30T12:00:00Z").value()}};
}

TEST(Children, AreAsInTheGoldenFiles) {
  expect_golden(signing_keys_secret(cluster(), keys()), "signing_keys_secret");
  expect_golden(config_map(cluster(), eu_west()), "config_map");
  expect_golden(stateful_set(cluster(), eu_west(), "registry.example.org/turnkeeper:1.0"), "stateful_set_host_network");
  expect_golden(stateful_set(cluster(), lab(), "registry.example.org/turnkeeper:1.0"), "stateful_set_cluster_ip");
  expect_golden(service(cluster(), eu_west()), "service");
  expect_golden(disruption_budget(cluster(), eu_west()), "disruption_budget");
  expect_golden(network_policy(cluster(), eu_west()), "network_policy");
  expect_golden(network_policy(cluster(), lab()), "network_policy_cluster_ip");
  expect_golden(snapshot_secret("turnkeeper-system", "targets", Secret("{}")), "snapshot_secret");
}

std::string config_hash(const api::TurnCluster& cluster) {
  return stateful_set(cluster, cluster.spec.regions[0],
                      "image")["spec"]["template"]["metadata"]["annotations"][config_hash_annotation];
}

TEST(StatefulSet, RollsWhenTheRelaysConfigurationChangesAndOnlyThen) {
  auto changed = cluster();
  changed.spec.regions[0].relay.limits.sessions = 7;
  EXPECT_NE(config_hash(changed), config_hash(cluster()));
  auto scaled = cluster();
  scaled.spec.regions[0].relay.replicas = 9;
  scaled.spec.regions[0].backups = {};
  scaled.generation = 99;
  EXPECT_EQ(stateful_set(scaled, scaled.spec.regions[0], "image")["spec"]["template"],
            stateful_set(cluster(), eu_west(), "image")["spec"]["template"])
      << "every call in the region would be moved for nothing";
}

TEST(StatefulSet, ConfigHashCannotBeReplacedByAnAnnotationOfTheUser) {
  auto changed = cluster();
  changed.spec.regions[0].relay.annotations[config_hash_annotation] = "always the same";
  EXPECT_EQ(config_hash(changed), config_hash(cluster()));
}

TEST(Names, FollowTheRegionAndTheOrdinal) {
  EXPECT_EQ(relay_name("eu-west", 2), "eu-west-2");
  EXPECT_EQ(region_child_name(cluster(), eu_west()), "calls-eu-west");
  EXPECT_EQ(cluster_id(cluster()), "telephony/calls");
  api::TurnCluster local;
  local.name = "demo";
  EXPECT_EQ(cluster_id(local), "demo");
}

}  // namespace
}  // namespace turnkeeper::op
