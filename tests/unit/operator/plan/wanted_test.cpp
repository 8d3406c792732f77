#include "operator/plan/wanted.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "fixture.hpp"
#include "operator/plan/covers.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

const json monitor_certificate = {{"data", {{"ca.crt", "Y2E="}, {"tls.crt", "Y2VydA=="}, {"tls.key", "a2V5"}}}};

struct World {
  api::TurnCluster cluster = two_regions();
  Observed observed = {};
  Settings op = settings();
  std::vector<RelayPod> pods = {relay("eu", 0), relay("eu", 1), relay("us", 0)};
  api::SigningKeys keys = {{"k1", Secret("first"), api::SigningKey::Phase::issuing, noon}};

  [[nodiscard]] std::vector<Placed> wanted() const {
    return wanted_children({.cluster = cluster, .observed = observed, .settings = op, .pods = pods, .keys = keys});
  }
  // "Kind name", with "site: " before those that are elsewhere.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [site, object] : wanted()) {
      out.push_back((site.empty() ? "" : site + ": ") + object.at("kind").get<std::string>() + ' ' +
                    object.at("metadata").at("name").get<std::string>());
    }
    return out;
  }
  [[nodiscard]] json child(const std::string& kind, const std::string& name) const {
    for (const auto& [site, object] : wanted()) {
      if (object.at("kind") == kind && object.at("metadata").at("name") == name) return object;
    }
    ADD_FAILURE() << "no " << kind << ' ' << name;
    return nullptr;
  }
  // Of the DNSEndpoint: name -> addresses.
  [[nodiscard]] std::map<std::string, std::vector<std::string>> records() const {
    std::map<std::string, std::vector<std::string>> out;
    const json object = child("DNSEndpoint", "calls");
    for (const auto& endpoint : object.at("spec").at("endpoints")) {
      for (const auto& target : endpoint.at("targets")) out[endpoint.at("dnsName")].push_back(target);
    }
    return out;
  }
};

TEST(WantedChildren, EachRelayHasAServiceOfItsOwnForAsLongAsItsPodIsThere) {
  World world;
  world.cluster.spec.regions[0].relay.exposure = api::Exposure::load_balancer;
  world.cluster.spec.regions[0].relay.replicas = 1;
  for (auto& pod : world.pods) {
    if (pod.region == "eu") pod.exposure = api::Exposure::load_balancer;
  }
  EXPECT_THAT(world.names(), Contains("Service calls-eu-0"));
  EXPECT_THAT(world.names(), Contains("Service calls-eu-1")) << "its last calls come through it";
  EXPECT_THAT(world.names(), Not(Contains("Service calls-us-0"))) << "HostNetwork";
  world.pods.erase(world.pods.begin() + 1);
  EXPECT_THAT(world.names(), Not(Contains("Service calls-eu-1")));
}

TEST(WantedChildren, RelaysThatDoNotBeginAtNoughtHaveWhatOthersHave) {
  World world;
  world.cluster.spec.dns = api::Dns{.hostname = "turn.example.org"};
  auto& eu = world.cluster.spec.regions[0].relay;
  eu.exposure = api::Exposure::load_balancer;
  eu.first_ordinal = 1;
  EXPECT_EQ(world.child("StatefulSet", "calls-eu")["spec"]["ordinals"]["start"], 1);
  world.pods = {relay("eu", 1), relay("eu", 2), relay("us", 0)};
  for (auto& pod : world.pods) pod.proof = Proof::proven;
  EXPECT_THAT(world.names(), Contains("Service calls-eu-1"));
  EXPECT_THAT(world.names(), Contains("Service calls-eu-2"));
  EXPECT_THAT(world.names(), Not(Contains("Service calls-eu-0")));
  const auto records = world.records();
  EXPECT_EQ(records.at("eu.turn.example.org"), (std::vector<std::string>{"10.0.1.2", "10.0.1.3"}));
  EXPECT_EQ(records.at("eu-2.turn.example.org"), std::vector<std::string>{"10.0.1.3"});
  EXPECT_FALSE(records.contains("eu-0.turn.example.org"));
}

TEST(WantedChildren, ARelayKeepsItsServiceUntilItIsRenewedForAnotherExposure) {
  World world;
  world.cluster.spec.regions[0].relay.exposure = api::Exposure::cluster_ip;
  world.pods[0].exposure = api::Exposure::load_balancer;
  EXPECT_EQ(world.child("Service", "calls-eu-0")["spec"]["type"], "LoadBalancer");
  EXPECT_THAT(world.names(), Not(Contains("Service calls-eu-1")));
}

TEST(WantedChildren, AFieldThatIsAskedForNoMoreIsMissed) {
  World world;
  world.cluster.spec.regions[0].relay.priority_class_name = "calls";
  const auto before = world.child("StatefulSet", "calls-eu");
  world.cluster.spec.regions[0].relay.priority_class_name.clear();
  EXPECT_FALSE(covers(before, world.child("StatefulSet", "calls-eu")));
}

TEST(WantedChildren, TheLoweredBandwidthReachesAgentsWithoutARoll) {
  World world;
  const auto before = world.child("StatefulSet", "calls-eu");
  const auto lowered = wanted_children({.cluster = world.cluster,
                                        .observed = world.observed,
                                        .settings = world.op,
                                        .pods = world.pods,
                                        .keys = world.keys,
                                        .bits_per_second_per_session = 500'000});
  for (const auto& [site, object] : lowered) {
    if (object.at("kind") == "StatefulSet" && object.at("metadata").at("name") == "calls-eu") {
      EXPECT_EQ(object, before);
    }
    if (object.at("kind") != "ConfigMap") continue;
    EXPECT_EQ(json::parse(object.at("data").at("addresses.json").get<std::string>())["bitsPerSecondPerSession"],
              500'000);
  }
}

TEST(WantedChildren, TheCertificateGoesWhereTheRelaysAre) {
  World world;
  world.cluster.spec.tls = api::Tls{.secret_name = "turn-tls"};
  world.cluster.spec.regions[1].kubeconfig = {"us-east", "kubeconfig"};
  EXPECT_THAT(world.names(), Not(Contains("us-east: Secret calls-tls"))) << "there is nothing to copy yet";
  world.observed.secrets["turn-tls"] = {{"data", {{"tls.crt", "Y2VydA=="}, {"tls.key", "a2V5"}}}};
  EXPECT_THAT(world.names(), Contains("us-east: Secret calls-tls"));
  EXPECT_THAT(world.names(), Not(Contains("Secret calls-tls"))) << "theirs is used at home";
  EXPECT_THAT(world.names(), Not(Contains("Certificate calls-tls")));
}

TEST(WantedChildren, TheCopyOfACertificateStaysWhileTheOriginalIsAway) {
  World world;
  world.cluster.spec.tls = api::Tls{.secret_name = "turn-tls"};
  world.cluster.spec.regions[1].kubeconfig = {"us-east", "kubeconfig"};
  world.observed.children = {
      {"us-east", {{"kind", "Secret"}, {"metadata", {{"name", "calls-tls"}}}, {"data", {{"tls.crt", "b2xk"}}}}}};
  EXPECT_EQ(world.child("Secret", "calls-tls")["data"]["tls.crt"], "b2xk");
}

TEST(WantedChildren, CertManagerIsAskedLastSoThatItsAbsenceHoldsUpNothing) {
  World world;
  world.cluster.spec.tls = api::Tls{.issuer_name = "letsencrypt"};
  world.cluster.spec.dns = api::Dns{.hostname = "turn.example.org"};
  const auto names = world.names();
  ASSERT_GE(names.size(), 2u);
  EXPECT_EQ(names[names.size() - 2], "Certificate calls-tls");
  EXPECT_EQ(names.back(), "DNSEndpoint calls");
}

TEST(Dns, HoldsProvenRelaysUnderTheNamesOfClusterAndRegion) {
  World world;
  world.cluster.spec.dns = api::Dns{.hostname = "turn.example.org"};
  for (auto& pod : world.pods) pod.proof = Proof::proven;
  world.pods[0].proof = Proof::failed;
  using Records = std::map<std::string, std::vector<std::string>>;
  EXPECT_EQ(world.records(), (Records{{"turn.example.org", {"10.0.1.2", "10.0.2.1"}},
                                      {"eu.turn.example.org", {"10.0.1.2"}},
                                      {"us.turn.example.org", {"10.0.2.1"}},
                                      {"eu-0.turn.example.org", {"10.0.1.1"}},
                                      {"eu-1.turn.example.org", {"10.0.1.2"}},
                                      {"us-0.turn.example.org", {"10.0.2.1"}}}))
      << "a relay's own name is how it is proven over TLS";
  world.pods[1].draining = noon;
  EXPECT_EQ(world.records()["turn.example.org"], std::vector<std::string>{"10.0.2.1"});
}

TEST(Dns, KeepsWhatItHasWhenNoRelayIsProven) {
  World world;
  world.cluster.spec.dns = api::Dns{.hostname = "turn.example.org"};
  for (auto& pod : world.pods) pod.proof = Proof::proven;
  const auto before = world.child("DNSEndpoint", "calls");
  world.observed.children = {{"", before}};
  for (auto& pod : world.pods) pod.proof = Proof::failed;
  EXPECT_EQ(world.child("DNSEndpoint", "calls")["spec"], before["spec"]);
  world.pods.clear();
  EXPECT_EQ(world.child("DNSEndpoint", "calls")["spec"], before["spec"]) << "pods on their way have no address";
}

TEST(Vantages, OneForEachOtherSiteAndEachRegionThatAsks) {
  World world;
  world.cluster.spec.regions[1].kubeconfig = {"us-east", "kubeconfig"};
  EXPECT_THAT(world.names(), Not(Contains("us-east: Deployment calls-vantage"))) << "nobody said where the operator is";
  world.op.vantage = VantageSettings{.operator_address = "operator.example.org:9443"};
  world.observed.vantage_tls = monitor_certificate;
  EXPECT_THAT(world.names(), Contains("us-east: Deployment calls-vantage"));
  world.cluster.spec.regions[0].vantage = true;
  EXPECT_THAT(world.names(), Contains("Deployment calls-eu-vantage"));
  world.cluster.spec.regions[1].vantage = true;
  EXPECT_THAT(world.names(), Contains("us-east: Deployment calls-us-vantage"));
  EXPECT_THAT(world.names(), Not(Contains("us-east: Deployment calls-vantage"))) << "two would be one too many";
  world.cluster.spec.regions[1].vantage = false;
  EXPECT_THAT(world.names(), Not(Contains(testing::StartsWith("us-east: Deployment"))));
}

TEST(Vantages, StartFromTheTargetsOfTheirOwnClusterOnly) {
  World world;
  world.cluster.spec.regions[0].vantage = true;
  world.op.vantage = VantageSettings{.operator_address = "operator.example.org:9443"};
  world.observed.vantage_tls = monitor_certificate;
  const auto secret = world.child("Secret", "calls-eu-vantage-targets");
  EXPECT_FALSE(secret.at("data").at("targets.json").get<std::string>().empty());
}

TEST(Vantages, EachHasTheCertificateThatWasMadeForIt) {
  World world;
  world.cluster.spec.regions[0].vantage = true;
  world.cluster.spec.regions[1].vantage = true;
  world.op.vantage = VantageSettings{.operator_address = "operator.example.org:9443"};
  world.observed.vantage_tls = {{"data", {{"tls.key", "the authority's"}}}};
  world.op.vantage_certificate = [](const json&, const std::string& vantage, const json& held) -> json {
    return {{"ca.crt", "ca"}, {"tls.crt", vantage}, {"tls.key", held.is_null() ? "new" : "held"}};
  };
  EXPECT_EQ(world.child("Secret", "calls-eu-vantage-tls").at("data").at("tls.crt"), "telephony/calls/eu");
  const auto us = world.child("Secret", "calls-us-vantage-tls");
  EXPECT_EQ(us.at("data").at("tls.crt"), "telephony/calls/us");
  EXPECT_EQ(us.at("data").at("tls.key"), "new");
  for (const auto& child : world.wanted()) {
    EXPECT_EQ(child.object.dump().find("the authority's"), std::string::npos) << "the key that signs goes no further";
  }
  world.observed.children = {{"", us}};
  EXPECT_EQ(world.child("Secret", "calls-us-vantage-tls").at("data").at("tls.key"), "held")
      << "each pass would issue another";
  world.op.vantage_certificate = [](const json&, const std::string&, const json&) { return json(); };
  EXPECT_EQ(world.child("Secret", "calls-us-vantage-tls"), us) << "the authority cannot be read at the moment";
}

TEST(Vantages, StayAsTheyAreWhileTheirCertificateCannotBeRead) {
  World world;
  world.cluster.spec.regions[0].vantage = true;
  world.op.vantage = VantageSettings{.operator_address = "operator.example.org:9443"};
  world.observed.vantage_tls = monitor_certificate;
  std::vector<Placed> there;
  for (auto& child : world.wanted()) {
    if (child.object.at("metadata").at("labels").contains("turnkeeper.io/vantage")) there.push_back(child);
  }
  ASSERT_EQ(there.size(), 4u);
  world.observed.children = there;
  world.observed.vantage_tls = nullptr;
  EXPECT_EQ(world.child("Deployment", "calls-eu-vantage"), there.back().object);
  world.observed.vantage_tls = monitor_certificate;
  world.keys.clear();
  EXPECT_EQ(world.child("Deployment", "calls-eu-vantage"), there.back().object);
}

TEST(WantedChildren, NothingIsWantedOfASiteThatDoesNotAnswer) {
  World world;
  world.cluster.spec.regions[1].kubeconfig = {"us-east", "kubeconfig"};
  world.observed.unreachable["us-east"] = "connection refused";
  EXPECT_THAT(world.names(), Not(Contains(testing::StartsWith("us-east: "))));
  EXPECT_THAT(world.names(), Contains("StatefulSet calls-eu")) << "the others are not kept waiting";
}

}  // namespace
}  // namespace turnkeeper::op
