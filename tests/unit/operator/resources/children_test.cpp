// The objects that the operator makes, as a person would read them: each is compared with a file in golden/, all built
// from golden/cluster.yaml. A change of one is a change of every relay out there: review the file as such.
#include "operator/resources/children.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "operator/resources/exposure.hpp"
#include "operator/resources/names.hpp"
#include "operator/resources/vantage.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/api/yaml_document.hpp"
#include "turnkeeper/base/encoding.hpp"

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
// As golden/cluster_wide.yaml says.
const api::TurnCluster& wide() {
  static const auto parsed = api::parse_object(golden("cluster_wide"));
  EXPECT_TRUE(parsed.has_value()) << api::problems_text(parsed.error());
  return parsed.value();
}
const api::Region& edge() {
  return wide().spec.regions[0];
}
const api::Region& street() {
  return wide().spec.regions[1];
}
const api::Region& far() {
  return wide().spec.regions[2];
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
  expect_golden(
      config_map(cluster(), eu_west(),
                 {.nodes = {{"node-a", {"203.0.113.7", "2001:db8::7"}}}, .bits_per_second_per_session = 1000000}),
      "config_map");
  expect_golden(stateful_set(cluster(), eu_west(), "registry.example.org/turnkeeper:1.0"), "stateful_set_host_network");
  expect_golden(stateful_set(cluster(), lab(), "registry.example.org/turnkeeper:1.0"), "stateful_set_cluster_ip");
  expect_golden(service_account(cluster(), eu_west()), "service_account");
  expect_golden(service(cluster(), eu_west()), "service");
  expect_golden(disruption_budget(cluster(), eu_west()), "disruption_budget");
  expect_golden(network_policy(cluster(), eu_west()), "network_policy");
  expect_golden(network_policy(cluster(), lab()), "network_policy_cluster_ip");
  expect_golden(snapshot_secret("turnkeeper-system", "targets", Secret("{}")), "snapshot_secret");
}

TEST(Children, OfEveryExposureAreAsInTheGoldenFiles) {
  const std::string image = "registry.example.org/turnkeeper:1.0";
  expect_golden(config_map(wide(), edge(), {.relays = {{"calls-edge-0", {"198.51.100.4", "2001:db8::4"}}}}),
                "config_map_load_balancer");
  expect_golden(relay_service(wide(), edge(), 1), "relay_service_load_balancer");
  expect_golden(relay_service(wide(), street(), 0), "relay_service_node_port");
  expect_golden(network_policy(wide(), street()), "network_policy_node_port");
  expect_golden(stateful_set(wide(), street(), image), "stateful_set_node_port");
  expect_golden(stateful_set(wide(), far(), image), "stateful_set_other_site");
}

TEST(Children, ForCertificatesAndNamesAreAsInTheGoldenFiles) {
  expect_golden(certificate(wide()), "certificate");
  expect_golden(dns_endpoint(wide(),
                             {{"edge-0", "edge", {"198.51.100.4", "2001:db8::4"}, true},
                              {"edge-1", "edge", {"198.51.100.5"}, false},
                              {"street-0", "street", {"lb.example.net"}, true},
                              {"far-0", "far", {}, false}},
                             golden("dns_endpoint_before")),
                "dns_endpoint");
  const json source = {{"data", {{"tls.crt", "Y2VydA=="}, {"tls.key", "a2V5"}, {"ca.crt", "Y2E="}}}};
  expect_golden(tls_secret_copy(wide(), "us-east", source), "tls_secret_copy");
}

TEST(Children, OfVantagesAreAsInTheGoldenFiles) {
  const auto vantages = vantages_of(wide());
  ASSERT_EQ(vantages.size(), 2u);
  const json source = {{"data", {{"tls.crt", "Y2VydA=="}, {"tls.key", "a2V5"}, {"ca.crt", "Y2E="}}}};
  expect_golden(vantage_tls_secret(wide(), vantages[0], {}, source.at("data")), "vantage_tls_secret");
  expect_golden(vantage_targets_secret(wide(), vantages[0], Secret("{}")), "vantage_targets_secret");
  expect_golden(vantage_service_account(wide(), vantages[0]), "vantage_service_account");
  expect_golden(
      vantage_deployment(wide(), vantages[0], {.operator_address = "operator.example.org:9443"}, "turnkeeper:1"),
      "vantage_deployment");
  expect_golden(
      vantage_deployment(wide(), vantages[1],
                         {.operator_address = "operator.example.org:9443", .exchange_peer = "monitor.example.org:8481"},
                         "turnkeeper:1"),
      "vantage_deployment_other_site");
}

TEST(Vantage, TrustsThePrivateAuthoritiesThatTheMonitorsTrust) {
  const auto vantage = vantages_of(wide())[0];
  VantageSettings settings{.operator_address = "operator.example.org:9443", .authorities = "of the company"};
  const json data = {{"tls.crt", ""}, {"tls.key", ""}, {"ca.crt", ""}};
  const auto secret = vantage_tls_secret(wide(), vantage, settings, data);
  EXPECT_EQ(base64_decode(secret["data"]["authorities.crt"].get<std::string>()), "of the company");
  const auto template_now = [&] {
    return vantage_deployment(wide(), vantage, settings, "turnkeeper:1")["spec"]["template"];
  };
  const auto before = template_now();
  const auto container = before["spec"]["containers"][0];
  EXPECT_EQ(container["env"],
            json::array({{{"name", "SSL_CERT_FILE"}, {"value", "/etc/turnkeeper/tls/authorities.crt"}}}));
  EXPECT_EQ(container["volumeMounts"][0]["mountPath"], "/etc/turnkeeper/tls");
  settings.authorities = "of the company, renewed";
  EXPECT_NE(template_now(), before) << "they are read at the start only";
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

TEST(StatefulSet, DoesNotRollForWhatItsRelaysDoNotUse) {
  auto changed = cluster();
  auto& relay = changed.spec.regions[0].relay;
  relay.ports.turns = 443;  // no TLS here
  changed.spec.dns = api::Dns{.hostname = "turn.example.org"};
  relay.autoscaling = api::Autoscaling{.sessions_per_relay = 100};
  EXPECT_EQ(stateful_set(changed, changed.spec.regions[0], "image")["spec"]["template"],
            stateful_set(cluster(), eu_west(), "image")["spec"]["template"]);
}

TEST(StatefulSet, UserMayReplaceAndRemovePartsOfTheAffinity) {
  auto changed = cluster();
  auto& relay = changed.spec.regions[0].relay;
  relay.affinity_json = R"({"podAntiAffinity": null, "nodeAffinity": {}})";
  const auto set = stateful_set(changed, changed.spec.regions[0], "image");
  EXPECT_EQ(set["spec"]["template"]["spec"]["affinity"], json::parse(R"({"nodeAffinity": {}})"));
}

TEST(Exposure, RelayedPortsArePublishedOnlyWhereAServiceCanListThem) {
  api::RelaySpec relay;
  relay.exposure = api::Exposure::load_balancer;
  EXPECT_FALSE(publishes_relayed_ports(relay)) << "16,384 ports of a Service";
  relay.ports.relay_min = 50000;
  relay.ports.relay_max = 50099;
  EXPECT_TRUE(publishes_relayed_ports(relay));
  relay.ports.relay_max = 50100;
  EXPECT_FALSE(publishes_relayed_ports(relay));
  relay.ports.relay_max = 50000;
  relay.exposure = api::Exposure::node_port;
  EXPECT_FALSE(publishes_relayed_ports(relay)) << "they would be other ports on the node";
}

TEST(StatefulSet, ConfigHashCannotBeReplacedByAnAnnotationOfTheUser) {
  auto changed = cluster();
  changed.spec.regions[0].relay.annotations[config_hash_annotation] = "always the same";
  EXPECT_EQ(config_hash(changed), config_hash(cluster()));
}

TEST(StatefulSet, SaysWhereItsOrdinalsBeginOnlyWhenTheyDoNotAtNought) {
  auto region = eu_west();
  EXPECT_FALSE(stateful_set(cluster(), region, "image")["spec"].contains("ordinals")) << "Kubernetes 1.25 refuses it";
  const auto before = stateful_set(cluster(), region, "image")["spec"]["template"];
  region.relay.first_ordinal = 2;
  EXPECT_EQ(stateful_set(cluster(), region, "image")["spec"]["ordinals"], (json{{"start", 2}}));
  EXPECT_EQ(stateful_set(cluster(), region, "image")["spec"]["template"], before) << "no relay is renewed for it";
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
