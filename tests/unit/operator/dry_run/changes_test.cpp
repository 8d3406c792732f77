#include "operator/dry_run/changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/dry_run/dry_run.hpp"
#include "turnkeeper/api/yaml_document.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

json stateful_set() {
  return json::parse(R"({
    "apiVersion": "apps/v1", "kind": "StatefulSet",
    "metadata": {"name": "calls-eu", "namespace": "telephony", "labels": {"turnkeeper.io/cluster": "calls"}},
    "spec": {"replicas": 2, "template": {"spec": {
      "containers": [{"name": "relay", "image": "coturn:4.6.1", "args": ["--a", "--b"]}],
      "volumes": [{"name": "keys"}]}}}})");
}

std::string told(const json& before, const json& after) {
  return text({{.kind = Change::Kind::update,
                .site = "",
                .object = object_title(after),
                .fields = differences(before, after)}});
}

TEST(Differences, AreReadByAPerson) {
  auto after = stateful_set();
  after["spec"]["replicas"] = 3;
  after["spec"]["template"]["spec"]["containers"][0]["image"] = "coturn:4.18.0";
  after["spec"]["template"]["spec"]["containers"][0]["args"][1] = "--c";
  after["spec"]["template"]["spec"]["priorityClassName"] = "calls";
  after["metadata"]["labels"].erase("turnkeeper.io/cluster");
  EXPECT_EQ(told(stateful_set(), after),
            "change StatefulSet telephony/calls-eu\n"
            "  - metadata.labels[turnkeeper.io/cluster]: \"calls\"\n"
            "  ~ spec.replicas: 2 -> 3\n"
            "  ~ spec.template.spec.containers[relay].args[1]: \"--b\" -> \"--c\"\n"
            "  ~ spec.template.spec.containers[relay].image: \"coturn:4.6.1\" -> \"coturn:4.18.0\"\n"
            "  + spec.template.spec.priorityClassName: \"calls\"\n");
}

TEST(Differences, DoNotCallEveryItemChangedBecauseOneWasPutBeforeIt) {
  auto after = stateful_set();
  after["spec"]["template"]["spec"]["volumes"] = json::parse(R"([{"name": "state"}, {"name": "keys"}])");
  EXPECT_THAT(differences(stateful_set(), after),
              ElementsAre(FieldChange{"spec.template.spec.volumes[state]", std::nullopt, json{{"name", "state"}}}));
}

TEST(Differences, OfADocumentInAStringAreThoseOfItsFields) {
  json before = {{"kind", "ConfigMap"}, {"metadata", {{"name", "calls-eu"}, {"namespace", "telephony"}}}};
  auto after = before;
  before["data"]["relay.json"] = json{{"realm", "turn.example.org"}, {"limits", {{"sessions", 1500}}}}.dump(2);
  after["data"]["relay.json"] = json{{"realm", "turn.example.org"}, {"limits", {{"sessions", 1600}}}}.dump(2);
  EXPECT_EQ(told(before, after),
            "change ConfigMap telephony/calls-eu\n"
            "  ~ data[relay.json].limits.sessions: 1500 -> 1600\n");
  after["data"]["relay.json"] = "rubbish";
  EXPECT_THAT(differences(before, after), testing::SizeIs(1));
}

TEST(Differences, LeaveOutWhatTheApiServerWritesByItself) {
  auto after = stateful_set();
  after["metadata"]["resourceVersion"] = "12";
  after["metadata"]["generation"] = 7;
  after["metadata"]["managedFields"] = json::array({{{"manager", "turnkeeper-operator"}}});
  after["status"]["readyReplicas"] = 2;
  EXPECT_THAT(differences(stateful_set(), after), IsEmpty());
}

// The output ends up in tickets and in logs of pipelines.
TEST(Secrets, AreToldToChangeWithoutBeingShown) {
  const json before = {{"kind", "Secret"},
                       {"metadata", {{"name", "keys"}, {"namespace", "telephony"}}},
                       {"data", {{"keys.json", "aHVudGVyMg=="}, {"same", "c2FtZQ=="}, {"old", "b2xk"}}}};
  json after = before;
  after["data"]["keys.json"] = "aHVudGVyMw==";
  after["data"]["new"] = "bmV3";
  after["data"].erase("old");
  const auto shown = told(before, after);
  EXPECT_EQ(shown,
            "change Secret telephony/keys\n"
            "  ~ data[keys.json]: \"(hidden)\" -> \"(hidden, another one)\"\n"
            "  + data.new: \"(hidden, another one)\"\n"
            "  - data.old: \"(hidden)\"\n");
  EXPECT_THAT(differences(before, before), IsEmpty());
  const auto printed = yaml({without_secrets(after)});
  for (const char* secret : {"aHVudGVyMw==", "bmV3", "c2FtZQ=="}) EXPECT_THAT(printed, Not(HasSubstr(secret)));
  EXPECT_THAT(printed, HasSubstr("keys.json: \"(hidden)\""));
  EXPECT_EQ(without_secrets(stateful_set()), stateful_set());
}

TEST(Changes, SayWhereTheyHappen) {
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({{.kind = Change::Kind::create, .object = "ConfigMap telephony/calls-eu"},
                  {.kind = Change::Kind::remove, .site = "us-east", .object = "Service telephony/calls-us"}}),
            "create ConfigMap telephony/calls-eu\n"
            "delete Service telephony/calls-us at us-east\n");
}

TEST(Changes, CutLongValuesBetweenCharacters) {
  const json before = {{"kind", "ConfigMap"}, {"data", {{"relay.json", ""}}}};
  json after = before;
  for (int i = 0; i < 200; ++i) after["data"]["relay.json"].get_ref<std::string&>() += "é";
  const auto shown = told(before, after);
  EXPECT_LT(shown.size(), 250u);
  EXPECT_NO_THROW((void)json(shown).dump()) << "cut in the middle of a character";
}

// What is printed can be applied.
TEST(Yaml, IsReadBackAsTheSame) {
  json object = stateful_set();
  object["metadata"]["annotations"] = {{"a", "no"},      {"b", "1.5"},         {"c", ""},      {"d", "x: y # z"},
                                       {"e", "true"},    {"f", "line\nbreak"}, {"g", "- h"},   {"h", "null"},
                                       {"i", "1e3"},     {"j", "0x10"},        {"k", "12:30"}, {"l", "\"quoted\""},
                                       {"m", "é\x01\\"}, {"n", "~"},           {"yes", "y"},   {"o.p/q", "a b"}};
  object["spec"]["empty"] = {{"list", json::array()}, {"object", json::object()}, {"nothing", nullptr}};
  object["spec"]["nested"] = json::parse(R"([[1, [2.5, true]], {"a": [{"b": -1, "c": []}]}, [], "x"])");
  const auto printed = yaml({object});
  const auto read = api::read_yaml(printed);
  ASSERT_TRUE(read.has_value()) << read.error().message << printed;
  EXPECT_EQ(read->value, object) << printed;
}

TEST(Yaml, IsAStreamOfDocuments) {
  EXPECT_EQ(yaml({{{"kind", "ConfigMap"}, {"data", {{"a", "b"}}}}, {{"kind", "Secret"}, {"items", {1, 2}}}}),
            "---\ndata:\n  a: b\nkind: ConfigMap\n---\nitems:\n- 1\n- 2\nkind: Secret\n");
}

// Taken for unset, they would be planned away.
TEST(Vantages, AreThoseThatRun) {
  EXPECT_FALSE(vantages_in_use({{"", stateful_set()}}));
  const auto deployment =
      json::parse(R"({"kind": "Deployment", "metadata": {"labels": {"turnkeeper.io/vantage": "calls-vantage"}},
    "spec": {"template": {"spec": {"containers": [{"args": ["--operator=turn.example.org:9443", "--exchange-peer=a:8481"]}]}}}})");
  const auto vantages = vantages_in_use({{"us-east", deployment}});
  ASSERT_TRUE(vantages);
  EXPECT_EQ(vantages->operator_address, "turn.example.org:9443");
  EXPECT_EQ(vantages->exchange_peer, "a:8481");
}

TEST(AgentImage, IsTheOneThatRelaysHave) {
  EXPECT_EQ(agent_image_in_use({}), "");
  auto set = stateful_set();
  EXPECT_EQ(agent_image_in_use({{"", set}}), "");
  set["spec"]["template"]["spec"]["initContainers"] = {{{"name", "agent"}, {"image", "turnkeeper:1"}}};
  EXPECT_EQ(agent_image_in_use({{"", {{"kind", "Secret"}}}, {"", set}}), "turnkeeper:1");
}

}  // namespace
}  // namespace turnkeeper::op
