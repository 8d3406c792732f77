#include "turnkeeper/api/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace turnkeeper::api {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

const std::string head = "apiVersion: turnkeeper.io/v1alpha1\nkind: TurnCluster\nmetadata: {name: calls}\n";

TurnCluster parsed(const std::string& yaml) {
  const auto cluster = parse_text(yaml);
  EXPECT_TRUE(cluster.has_value()) << problems_text(cluster.error(), "cluster.yaml");
  return cluster.value_or(TurnCluster{});
}

std::string refused(const std::string& yaml) {
  const auto cluster = parse_text(yaml);
  EXPECT_FALSE(cluster.has_value());
  return cluster ? "" : problems_text(cluster.error(), "cluster.yaml");
}

TEST(Parse, FillsInTheDefaults) {
  const auto cluster = parsed(head + "spec: {realm: turn.example.org, regions: [{name: eu}]}");
  EXPECT_EQ(cluster.name, "calls");
  EXPECT_EQ(cluster.spec.realm, "turn.example.org");
  ASSERT_EQ(cluster.spec.regions.size(), 1u);
  EXPECT_EQ(cluster.spec.regions[0], (Region{.name = "eu", .backups = {}, .relay = RelaySpec{}}));
  EXPECT_EQ(cluster.spec.credentials, Credentials{});
  EXPECT_EQ(cluster.spec.probing, Probing{});
}

TEST(Parse, ReadsEveryField) {
  const auto cluster = parsed(R"(
apiVersion: turnkeeper.io/v1alpha1
kind: TurnCluster
metadata: {name: calls, namespace: telephony}
spec:
  realm: turn.example.org
  paused: true
  relay:
    image: registry.example.org:5000/coturn@sha256:0123456789abcdef
    replicas: 5
    exposure: ClusterIP
    ipFamilies: [IPv6, IPv4]
    publicAddress: {nodeAnnotation: example.org/address}
    autoscaling: {min: 3, max: 30, sessionsPerRelay: 500, megabitsPerRelay: 400}
    transports: [TCP, DTLS]
    ports: {turn: 443, turns: 5001, relayMin: 20000, relayMax: 29999}
    limits: {sessions: 10, sessionsPerUser: 3, bitsPerSecondPerSession: 4000, bitsPerSecond: 90000}
    peers: {deny: [192.0.2.0/24, "2001:db8::1-2001:db8::9"], allow: [10.1.2.3]}
    drainTimeout: 1h30m
    resources: {requests: {cpu: 1, memory: 256Mi}, limits: {memory: "1.5Gi"}}
    nodeSelector: {pool: turn}
    tolerations: [{key: turn, operator: Exists, effect: NoSchedule, tolerationSeconds: 5}]
    affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}
    priorityClassName: calls
    annotations: {example.org/owner: "no"}
  regions:
  - name: eu-west
    backups: [us-east]
  - name: us-east
    kubeconfigSecret: {name: us-east, key: config}
    vantage: false
  credentials: {ttl: 1h, rotation: {every: 720h}, secretRef: {name: shared, key: secret}}
  tls: {issuerRef: {name: letsencrypt, kind: ClusterIssuer}}
  dns: {hostname: turn.example.org, ttl: 1m}
  budget: {monthly: "45", currency: EUR, perRelay: "8.5", perGigabyte: "0.01", atLimit: LowerBandwidth,
           bitsPerSecondPerSession: 500000}
  probing: {canary: 250ms, misses: 5, full: 30s}
  failover:
    stunServers: ["stun:stun.example.org:3478"]
    use: Cheapest
    providers:
    - {name: twilio, type: Twilio, secretRef: {name: vendors, key: twilio}, account: AC00, username: SK00, ttl: 2h,
       costPerGigabyte: "0.40", probeEvery: 5m}
    - {name: friend, type: SharedSecret, secretRef: {name: friend}, urls: ["turns:turn.example.net:443"],
       costPerGigabyte: "0.1"}
)");
  EXPECT_EQ(cluster.namespace_name, "telephony");
  EXPECT_TRUE(cluster.spec.paused);
  ASSERT_EQ(cluster.spec.regions.size(), 2u);
  EXPECT_THAT(cluster.spec.regions[0].backups, ElementsAre("us-east"));
  for (const auto& region : cluster.spec.regions) {
    const auto& relay = region.relay;
    EXPECT_EQ(relay.image, "registry.example.org:5000/coturn@sha256:0123456789abcdef");
    EXPECT_EQ(relay.replicas, 5);
    EXPECT_EQ(relay.exposure, Exposure::cluster_ip);
    EXPECT_THAT(relay.ip_families, ElementsAre(IpFamily::v6, IpFamily::v4));
    EXPECT_EQ(relay.public_address, (PublicAddress{"example.org/address", {}}));
    EXPECT_EQ(relay.autoscaling, (Autoscaling{3, 30, 500, 400}));
    EXPECT_THAT(relay.transports, ElementsAre(Transport::tcp, Transport::dtls));
    EXPECT_EQ(relay.ports, (Ports{443, 5001, 20000, 29999}));
    EXPECT_EQ(relay.limits, (Limits{10, 3, 4000, 90000}));
    EXPECT_EQ(relay.peers, (Peers{{"192.0.2.0/24", "2001:db8::1-2001:db8::9"}, {"10.1.2.3"}}));
    EXPECT_EQ(relay.drain_timeout, 90min);
    EXPECT_EQ(nlohmann::json::parse(relay.resources_json),
              nlohmann::json::parse(R"({"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"memory": "1.5Gi"}})"));
    EXPECT_THAT(relay.node_selector, ElementsAre(Pair("pool", "turn")));
    EXPECT_EQ(nlohmann::json::parse(relay.tolerations_json),
              nlohmann::json::parse(
                  R"([{"key": "turn", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 5}])"));
    EXPECT_EQ(relay.affinity_json, R"({"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[]}})");
    EXPECT_EQ(relay.priority_class_name, "calls");
    EXPECT_THAT(relay.annotations, ElementsAre(Pair("example.org/owner", "no")));
  }
  const auto& [providers, use] = cluster.spec.failover;
  EXPECT_EQ(use, ProviderUse::cheapest);
  ASSERT_EQ(providers.size(), 2u);
  EXPECT_EQ(providers[0], (Provider{.name = "twilio",
                                    .type = ProviderType::twilio,
                                    .secret = {"vendors", "twilio"},
                                    .account = "AC00",
                                    .user = "SK00",
                                    .ttl = 2h,
                                    .cost_per_gigabyte = 0.4,
                                    .probe_every = 5min}));
  EXPECT_EQ(providers[1].secret, (SecretKeyRef{"friend", "secret"}));
  EXPECT_THAT(providers[1].urls, ElementsAre("turns:turn.example.net:443"));
  EXPECT_EQ(providers[1].probe_every, 60s);
  EXPECT_EQ(cluster.spec.regions[0].kubeconfig, SecretKeyRef{});
  EXPECT_EQ(cluster.spec.regions[0].vantage, std::nullopt);
  EXPECT_EQ(cluster.spec.regions[1].kubeconfig, (SecretKeyRef{"us-east", "config"}));
  EXPECT_EQ(cluster.spec.regions[1].vantage, false);
  EXPECT_EQ(cluster.spec.credentials, (Credentials{1h, 720h, {"shared", "secret"}}));
  EXPECT_EQ(cluster.spec.tls, (Tls{.issuer_name = "letsencrypt", .issuer_kind = "ClusterIssuer"}));
  EXPECT_EQ(cluster.spec.dns, (Dns{"turn.example.org", 60s}));
  EXPECT_EQ(cluster.spec.budget, (Budget{45, "EUR", 8.5, 0.01, Budget::AtLimit::lower_bandwidth, 500'000}));
  EXPECT_EQ(cluster.spec.probing, (Probing{250ms, 5, 30s}));
  EXPECT_THAT(cluster.spec.stun_servers, ElementsAre("stun:stun.example.org:3478"));
}

TEST(Parse, LaysARegionsRelayOverTheClustersFieldByField) {
  const auto cluster = parsed(head + R"(
spec:
  realm: turn.example.org
  relay:
    replicas: 3
    ports: {turn: 4000, relayMin: 20000}
    peers: {deny: [192.0.2.1], allow: [192.0.2.2]}
    nodeSelector: {pool: turn, disk: ssd}
    tolerations: [{key: turn}]
  regions:
  - name: eu
  - name: us
    relay:
      replicas: 1
      ports: {relayMax: 30000}
      peers: {deny: []}
      nodeSelector: {pool: calls, zone: a}
      tolerations: []
)");
  const auto& eu = cluster.spec.regions[0].relay;
  const auto& us = cluster.spec.regions[1].relay;
  EXPECT_EQ(eu.replicas, 3);
  EXPECT_EQ(us.replicas, 1);
  EXPECT_EQ(eu.ports, (Ports{4000, 5349, 20000, 65535}));
  EXPECT_EQ(us.ports, (Ports{4000, 5349, 20000, 30000}));
  EXPECT_EQ(us.peers, (Peers{{}, {"192.0.2.2"}}));
  EXPECT_THAT(us.node_selector, UnorderedElementsAre(Pair("pool", "calls"), Pair("disk", "ssd"), Pair("zone", "a")));
  EXPECT_FALSE(eu.tolerations_json.empty());
  EXPECT_TRUE(us.tolerations_json.empty());
}

TEST(Parse, LaysAutoscalingOverAndReplacesThePublicAddress) {
  const auto cluster = parsed(head + R"(
spec:
  realm: turn.example.org
  relay:
    publicAddress: {nodeAnnotation: example.org/address}
    autoscaling: {max: 4, sessionsPerRelay: 500}
  regions:
  - name: eu
    kubeconfigSecret: {name: eu}
  - name: us
    relay:
      publicAddress: {fixed: ["192.0.2.1,2001:db8::1", 192.0.2.2]}
      autoscaling: {min: 1, max: 2}
)");
  const auto& eu = cluster.spec.regions[0];
  const auto& us = cluster.spec.regions[1].relay;
  EXPECT_EQ(eu.kubeconfig, (SecretKeyRef{"eu", "kubeconfig"})) << "the usual entry";
  EXPECT_EQ(eu.relay.autoscaling, (Autoscaling{2, 4, 500, 0}));
  EXPECT_EQ(us.autoscaling, (Autoscaling{1, 2, 500, 0}));
  EXPECT_EQ(us.public_address, (PublicAddress{"", {"192.0.2.1,2001:db8::1", "192.0.2.2"}}));
}

TEST(Parse, LetsCredentialsStayForEver) {
  const auto cluster = parsed(head + "spec: {realm: r, regions: [{name: eu}], credentials: {rotation: {every: 0s}}}");
  EXPECT_EQ(cluster.spec.credentials.rotate_every, 0s);
}

// Ports that nothing listens on are not in anybody's way.
TEST(Parse, JudgesThePortOfTlsOnlyWhereThereIsTls) {
  parsed(head + "spec: {realm: r, regions: [{name: eu}], relay: {ports: {turn: 3478, relayMin: 5000}}}");
  parsed(head + "spec: {realm: r, regions: [{name: eu}], relay: {ports: {turn: 5349}}}");
}

TEST(Parse, RefusesARegionCalledLikeARelayOfAnother) {
  const auto with = [](const std::string& name) {
    return head + "spec: {realm: turn.example.org, regions: [{name: eu}, {name: " + name + "}]}";
  };
  EXPECT_THAT(refused(with("eu-0")), HasSubstr("'eu-0' is the name of a relay of spec.regions[0]"));
  EXPECT_THAT(refused(with("eu-12")), HasSubstr("such as 'eu-b'"));
  for (const auto* name : {"eu-west", "eu-01", "eu0", "us-0"}) parsed(with(name));
}

TEST(Parse, ReadsAnObjectOfTheApiServerWhateverElseIsInIt) {
  const auto object = nlohmann::json::parse(R"({
    "apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster",
    "metadata": {"name": "calls", "namespace": "telephony", "uid": "0d5e", "generation": 7, "resourceVersion": "12",
                 "deletionTimestamp": "2026-08-01T12:00:00Z", "managedFields": [{"fieldsV1": {"f:spec": {}}}]},
    "spec": {"realm": "turn.example.org", "regions": [{"name": "eu", "newerThanThisProgram": 1}], "alsoNewer": {}},
    "status": {"conditions": []}})");
  const auto cluster = parse_object(object);
  ASSERT_TRUE(cluster.has_value()) << problems_text(cluster.error());
  EXPECT_EQ(cluster->namespace_name, "telephony");
  EXPECT_EQ(cluster->uid, "0d5e");
  EXPECT_EQ(cluster->generation, 7);
  EXPECT_TRUE(cluster->deleting);
}

TEST(Parse, NamesTheFieldWhenAnObjectOfTheApiServerIsInvalid) {
  const auto object = nlohmann::json::parse(R"({
    "apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": "calls"},
    "spec": {"realm": "turn.example.org", "regions": [{"name": "eu", "backups": ["us"]}]}})");
  const auto cluster = parse_object(object);
  ASSERT_FALSE(cluster.has_value());
  EXPECT_EQ(problems_text(cluster.error()),
            "spec.regions[0].backups[0]: 'us' is no region of this cluster; remove it: there is no other region");
}

TEST(Parse, SurvivesObjectsOfAnyShape) {
  for (const char* text :
       {"null", "[]", "3", R"("x")", "{}", R"({"spec": []})", R"({"metadata": 3, "spec": {"regions": {}}})",
        R"({"metadata": {"generation": -1, "name": null}, "spec": {"regions": [null, 3, []]}})"}) {
    EXPECT_FALSE(parse_object(nlohmann::json::parse(text)).has_value()) << text;
  }
}

TEST(Parse, ReadsAJsonFileWithPlaces) {
  EXPECT_EQ(refused(R"({"apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster", "metadata": {"name": "calls"},
 "spec": {"realm": "r", "regions": [{"name": "eu"}], "probing": {"misses": 0}}})"),
            "cluster.yaml:2:76: spec.probing.misses: 0 is out of range; write a number from 1 to 20");
}

TEST(Parse, SaysWhereTheYamlBreaks) {
  EXPECT_THAT(refused("apiVersion: turnkeeper.io/v1alpha1\nkind: [TurnCluster\nmetadata: {name: calls}\n"),
              HasSubstr("cluster.yaml:3:9: is not valid YAML"));
}

TEST(Parse, RefusesWhatIsNotOneTurnCluster) {
  EXPECT_THAT(refused(""), HasSubstr("the file is empty"));
  EXPECT_THAT(refused("# nothing but a comment\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(refused("hello\n"), HasSubstr("cluster.yaml:1:1: is text; write a mapping"));
  EXPECT_THAT(refused("a: 1\n---\nb: 2\n"), HasSubstr("cluster.yaml:3:1: holds more than one document"));
  EXPECT_THAT(refused("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n"),
              HasSubstr("kind: 'Deployment' is not what is expected here; write TurnCluster"));
}

TEST(Parse, RefusesBytesThatAreNotUtf8) {
  EXPECT_EQ(refused(head + "spec: {realm: \"\xff\xfe\"}\n"), "cluster.yaml: is not UTF-8; save it as UTF-8");
}

TEST(Parse, TellsOfAFieldGivenTwice) {
  EXPECT_EQ(refused(head + "spec:\n  realm: a\n  regions: [{name: eu}]\n  realm: b\n"),
            "cluster.yaml:7:3: spec.realm: is given twice, first in line 5; keep one of the two");
}

TEST(Parse, IsNotBlownUpByAliases) {
  std::string bomb = head + "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto previous = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", " : "") + previous;
    bomb += "]\n";
  }
  EXPECT_THAT(refused(bomb), HasSubstr("is too large"));
}

TEST(Parse, SaysThatAFileCannotBeRead) {
  const auto cluster = parse_file("/nonexistent/cluster.yaml");
  ASSERT_FALSE(cluster.has_value());
  EXPECT_EQ(
      problems_text(cluster.error(), "/nonexistent/cluster.yaml"),
      "/nonexistent/cluster.yaml: cannot be read: No such file or directory; check the path and that you may read it");
}

TEST(Examples, AreWhatTheDocumentationSays) {
  const auto calls = parse_file(TURNKEEPER_SOURCE_DIR "/examples/two-regions.yaml");
  ASSERT_TRUE(calls.has_value()) << problems_text(calls.error());
  EXPECT_EQ(calls->name, "calls");
  ASSERT_EQ(calls->spec.regions.size(), 2u);
  EXPECT_THAT(calls->spec.regions[0].backups, ElementsAre(calls->spec.regions[1].name));

  const auto with_provider = parse_file(TURNKEEPER_SOURCE_DIR "/examples/with-provider.yaml");
  ASSERT_TRUE(with_provider.has_value()) << problems_text(with_provider.error());
  EXPECT_EQ(with_provider->spec.failover.providers.size(), 1u);

  const auto demo = parse_file(TURNKEEPER_SOURCE_DIR "/examples/local.yaml");
  ASSERT_TRUE(demo.has_value()) << problems_text(demo.error());
  EXPECT_EQ(demo->name, "demo");
  ASSERT_EQ(demo->spec.regions.size(), 2u);
  EXPECT_EQ(demo->spec.regions[0].name, "eu");
  EXPECT_EQ(demo->spec.regions[0].relay.replicas, 2);
  EXPECT_EQ(demo->spec.regions[1].name, "us");
  EXPECT_EQ(demo->spec.regions[1].relay.replicas, 1);
}

}  // namespace
}  // namespace turnkeeper::api
