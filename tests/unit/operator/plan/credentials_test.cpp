#include "operator/plan/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "operator/rotation/rotation.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

api::SigningKeys keys_in(const json& secret) {
  return api::parse_signing_keys(base64_decode(secret.at("data").at("keys.json").get<std::string>()).value()).value();
}

// "k1 1, k2 0": ids and phases.
std::string outline(const api::SigningKeys& keys) {
  const char* phases[] = {"Staged", "Issuing", "Retiring", "Removed"};
  std::string out;
  for (const auto& key : keys) {
    out += (out.empty() ? "" : ", ") + key.id + ' ' + phases[static_cast<int>(key.phase)];
  }
  return out;
}

// A cluster at rest whose operator looks again and again; what it writes is there the next time.
class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() : cluster(two_regions()), observed(at_rest(cluster)) {}

  Plan pass() {
    observed.steady = SteadyTime(now - noon);
    for (auto& report : observed.reports) report.heard = now;
    auto made = settings();
    made.new_secret = [] { return Secret::random(32); };
    auto result = plan(cluster, observed, made, now);
    observed.memory = result.memory;
    for (const auto& [site, object] : result.apply) {
      auto& live = child_of(observed, object.at("kind"), object.at("metadata").at("name"));
      EXPECT_EQ(object.at("metadata").value("resourceVersion", ""), live.at("metadata").at("resourceVersion"))
          << "written over what another operator has just written";
      const json before = live;
      live.merge_patch(object);
      live["metadata"]["resourceVersion"] = std::to_string(++version);
    }
    observed.status = result.status;
    return result;
  }
  Plan settle() {
    for (int i = 0; i < 20; ++i) {
      auto result = pass();
      if (result.apply.empty()) return result;
    }
    ADD_FAILURE() << "it writes for ever";
    return {};
  }
  [[nodiscard]] std::string keys() { return outline(keys_in(child_of(observed, "Secret", "calls-signing-keys"))); }
  void prove(const std::string& key, bool accepted) {
    for (const char* relay : {"eu-0", "eu-1", "us-0"}) {
      observed.reports.at(0).facts[relay].keys[key] = {.accepted = accepted, .at = now};
    }
  }

  api::TurnCluster cluster;
  Observed observed;
  SystemTime now = noon;
  int version = 42;
};

TEST_F(CredentialsTest, AreAnnouncedFromTheStart) {
  EXPECT_EQ(condition(observed.status, "CredentialsCurrent"), "True/Current");
  EXPECT_EQ(observed.status.at("credentials"),
            (json{{"phase", "Idle"}, {"currentKey", "k1"}, {"nextRotation", rfc3339(noon + 2160h)}}));
}

TEST_F(CredentialsTest, AreRotatedWhenSomebodyAsks) {
  observed.annotations[rotate_annotation] = "please";
  EXPECT_THAT(pass().notices, ElementsAre(testing::Field(&Notice::reason, "KeyStaged")));
  auto result = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(outline(result.keys), keys()) << "monitors need it to prove it";
  EXPECT_EQ(result.status.at("credentials").at("phase"), "Proving");
  EXPECT_EQ(result.status.at("credentials").at("request"), "please");

  prove("k2", true);
  EXPECT_EQ(outline(pass().keys), "k1 Issuing, k2 Staged") << "nobody may sign with k2 before it is written down";
  result = settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
  EXPECT_EQ(outline(result.keys), keys());
  EXPECT_EQ(result.status.at("credentials").at("currentKey"), "k2");
  EXPECT_LE(*result.requeue, 60s);

  now += 24h + removal_margin;
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
  prove("k1", false);
  result = settle();
  EXPECT_EQ(keys(), "k2 Issuing");
  EXPECT_EQ(condition(result.status, "CredentialsCurrent"), "True/Current");
}

TEST_F(CredentialsTest, WaitForARelayThatMonitorsFindAliveThoughItsNodeIsLost) {
  observed.annotations[rotate_annotation] = "please";
  settle();
  prove("k2", true);
  observed.reports[0].facts.erase("us-0");
  observed.pods[2].object["status"]["conditions"] = json::array();
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged") << "calls are on us-0, and new ones would be refused";
  observed.reports[0].relays["us-0"].verdict = api::Verdict::unhealthy;
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "it cannot serve before it has k2";
}

TEST_F(CredentialsTest, DoNotWaitForARelayThatLeaves) {
  observed.annotations[rotate_annotation] = "please";
  settle();
  prove("k2", true);
  observed.reports[0].facts.erase("us-0");
  observed.pods[2].object["metadata"]["deletionTimestamp"] = rfc3339(noon);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
}

TEST_F(CredentialsTest, ThatCannotBeProvenAreAnAlertThatNamesTheRelay) {
  observed.annotations[rotate_annotation] = "please";
  settle();
  prove("k2", true);
  observed.reports[0].facts["eu-1"].keys["k2"].accepted = false;
  now += proof_patience;
  const auto result = settle();
  EXPECT_EQ(condition(result.status, "CredentialsCurrent"), "False/RelayNotProven");
  EXPECT_THAT(message(result.status, "CredentialsCurrent"), HasSubstr("eu-1 (refuses it)"));
}

TEST_F(CredentialsTest, AreNotTouchedInAPausedCluster) {
  cluster.spec.paused = true;
  observed.annotations[rotate_annotation] = "please";
  const auto result = pass();
  EXPECT_THAT(result.apply, IsEmpty());
  EXPECT_THAT(result.notices, IsEmpty());
  EXPECT_EQ(keys(), "k1 Issuing");
}

TEST_F(CredentialsTest, RememberWhatWasAskedForInTheirSecret) {
  observed.annotations[revoke_annotation] = "leak";
  settle();
  const auto& secret = child_of(observed, "Secret", "calls-signing-keys");
  const auto record = parse_rotation_record(secret.at("metadata").at("annotations").at(rotation_annotation));
  EXPECT_EQ(record.revoke, "leak");
  EXPECT_TRUE(record.revoking);
  const auto spoken = secret.at("metadata").dump() + observed.status.dump();
  for (const auto& key : keys_in(secret)) EXPECT_EQ(spoken.find(key.secret.reveal()), std::string::npos);
}

TEST_F(CredentialsTest, TakeARequestOfAnyLength) {
  std::string words;
  for (int i = 0; i < 700; ++i) words += "\u00e4";  // two bytes each
  observed.annotations[rotate_annotation] = 'x' + words;
  const auto result = settle();
  const std::string request = result.status.at("credentials").at("request");
  EXPECT_EQ(request.size(), 1023U) << "a character was cut in two";
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
}

TEST_F(CredentialsTest, ThatSomebodyElseSuppliesAreFollowed) {
  cluster.spec.credentials.secret = {.name = "turn-secret", .key = "value"};
  observed.secrets["turn-secret"] = {{"data", {{"value", base64_encode("theirs\n")}}}};
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(keys_in(child_of(observed, "Secret", "calls-signing-keys"))[1].secret, Secret("theirs"))
      << "nobody means the newline at a file's end";
  observed.secrets.clear();
  const auto result = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(condition(result.status, "CredentialsCurrent"), "False/SecretUnusable");
  EXPECT_EQ(condition(result.status, "Ready"), "True/AllRegionsServe");
}

TEST(Credentials, BeginWithWhatIsSupplied) {
  auto cluster = two_regions();
  cluster.spec.credentials.secret = {.name = "turn-secret", .key = "value"};
  Observed observed;
  auto result = plan(cluster, observed, settings(), noon);
  EXPECT_THAT(result.create, IsEmpty()) << "clients' credentials would be refused";
  EXPECT_EQ(condition(result.status, "Stalled"), "True/SecretUnusable");
  EXPECT_THAT(message(result.status, "Stalled"), HasSubstr("Secret turn-secret, entry value: there is no such Secret"));

  for (const std::string& bad : {std::string(), std::string("\n"), std::string("two words"), std::string(257, 'x')}) {
    observed.secrets["turn-secret"] = {{"data", {{"value", base64_encode(bad)}}}};
    EXPECT_THAT(plan(cluster, observed, settings(), noon).create, IsEmpty()) << bad;
  }
  observed.secrets["turn-secret"] = {{"data", {{"value", base64_encode("theirs")}}}};
  result = plan(cluster, observed, settings(), noon);
  ASSERT_THAT(result.create, SizeIs(1));
  EXPECT_EQ(keys_in(result.create[0].object)[0].secret, Secret("theirs"));
}

TEST_F(CredentialsTest, ThatSomebodyDeletesAreWrittenAgain) {
  observed.annotations[rotate_annotation] = "please";
  settle();
  const auto before = child_of(observed, "Secret", "calls-signing-keys");
  std::erase_if(observed.children,
                [](const Placed& child) { return child.object["metadata"]["name"] == "calls-signing-keys"; });
  const auto again = first_signing_keys(cluster, observed, settings(), now);
  ASSERT_TRUE(again.create);
  EXPECT_EQ(again.create->object["data"], before["data"]) << "all relays would refuse all clients for minutes";
  EXPECT_EQ(again.create->object["metadata"]["annotations"], before["metadata"]["annotations"]);
  EXPECT_THAT(again.notices, ElementsAre(testing::Field(&Notice::reason, "DriftRepaired")));

  cluster.uid = "another";
  const auto other = first_signing_keys(cluster, observed, settings(), now);
  EXPECT_NE(other.create->object["data"], before["data"]) << "those are another TurnCluster's of the same name";
}

TEST_F(CredentialsTest, ThatAreLostAreReplacedByOthersOfAnotherName) {
  std::erase_if(observed.children,
                [](const Placed& child) { return child.object["metadata"]["name"] == "calls-signing-keys"; });
  observed.memory = {};
  const auto made = first_signing_keys(cluster, observed, settings(), now);
  EXPECT_EQ(outline(keys_in(made.create->object)), "k2 Issuing")
      << "an agent that still has k1 must not be taken for one that has this key";
  ASSERT_THAT(made.notices, ElementsAre(testing::Field(&Notice::reason, "KeysLost")));
  EXPECT_THAT(made.notices[0].message, HasSubstr("ask again"));
}

class RemoteCredentialsTest : public CredentialsTest {
 protected:
  RemoteCredentialsTest() {
    cluster.spec.regions[1].kubeconfig = {.name = "us-east", .key = "kubeconfig"};
    observed.annotations[rotate_annotation] = "please";
  }
  [[nodiscard]] Credentials look() {
    const auto health = cluster_health(observed.reports, now);
    auto made = settings();
    made.new_secret = [] { return Secret("second"); };
    return plan_credentials(cluster, observed, made, relay_pods(cluster, observed.pods, observed.nodes, {}), health,
                            now);
  }
};

TEST_F(RemoteCredentialsTest, ACopyFollowsWhatIsWrittenDownAtHome) {
  const auto result = look();
  ASSERT_THAT(result.wanted, SizeIs(2));
  EXPECT_EQ(result.wanted[0].site, "");
  EXPECT_EQ(outline(keys_in(result.wanted[0].object)), "k1 Issuing, k2 Staged");
  EXPECT_EQ(result.wanted[1].site, "us-east");
  EXPECT_EQ(outline(keys_in(result.wanted[1].object)), "k1 Issuing") << "the step at home may fail yet";
}

TEST_F(RemoteCredentialsTest, ASiteThatCannotBeReachedHoldsItUp) {
  observed.unreachable["us-east"] = "connection refused";
  child_of(observed, "Secret", "calls-signing-keys") = look().wanted[0].object;
  prove("k2", true);
  now += proof_patience;
  observed.reports[0].heard = now;
  const auto result = look();
  EXPECT_EQ(outline(keys_in(result.wanted[0].object)), "k1 Issuing, k2 Staged");
  ASSERT_TRUE(result.status);
  EXPECT_EQ(result.status->reason, "RelaysOutOfReach");
  EXPECT_THAT(result.status->message, HasSubstr("region us"));
}

}  // namespace
}  // namespace turnkeeper::op
