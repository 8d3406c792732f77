#include "fixture.hpp"

#include <gtest/gtest.h>

#include "turnkeeper/api/parse.hpp"

namespace turnkeeper::op {

using nlohmann::json;

api::TurnCluster two_regions() {
  const auto cluster = api::parse_object(json::parse(R"({
    "apiVersion": "turnkeeper.io/v1alpha1", "kind": "TurnCluster",
    "metadata": {"name": "calls", "namespace": "telephony", "uid": "cluster-uid", "generation": 3},
    "spec": {"realm": "turn.example.org", "relay": {"replicas": 1},
             "regions": [{"name": "eu", "backups": ["us"], "relay": {"replicas": 2}}, {"name": "us"}]}})"));
  EXPECT_TRUE(cluster.has_value()) << api::problems_text(cluster.error());
  return cluster.value_or(api::TurnCluster{});
}

json pod(const std::string& region, int ordinal, const std::string& revision) {
  const auto name = "calls-" + region + '-' + std::to_string(ordinal);
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", name},
            {"namespace", "telephony"},
            {"uid", name + "-uid"},
            {"creationTimestamp", rfc3339(noon - std::chrono::hours(1))},
            {"labels",
             {{"turnkeeper.io/cluster", "calls"},
              {"turnkeeper.io/region", region},
              {"controller-revision-hash", revision}}}}},
          {"spec",
           {{"nodeName", "node-" + region + std::to_string(ordinal)},
            {"containers", {{{"name", "relay"}, {"image", "docker.io/coturn/coturn:4.18.0"}}}}}},
          {"status",
           {{"phase", "Running"},
            {"podIP", (region == "eu" ? "10.0.1." : "10.0.2.") + std::to_string(ordinal + 1)},
            {"conditions",
             {{{"type", "PodScheduled"}, {"status", "True"}},
              {{"type", "ContainersReady"}, {"status", "True"}},
              {{"type", "turnkeeper.io/proven"}, {"status", "True"}, {"reason", "Proven"}},
              {{"type", "Ready"}, {"status", "True"}}}}}}};
}

RelayPod relay(const std::string& region, int ordinal, const std::string& revision) {
  const auto pods = relay_pods(two_regions(), at("", {pod(region, ordinal, revision)}), {}, {});
  EXPECT_EQ(pods.size(), 1u);
  return pods.at(0);
}

VantageReport report(const std::map<std::string, RelayHealth>& but, SystemTime heard, const std::string& vantage) {
  VantageReport report{.vantage = vantage, .heard = heard, .relays = {}, .facts = {}, .providers = {}};
  for (const char* name : {"eu-0", "eu-1", "us-0"}) {
    report.relays[name] = {.verdict = api::Verdict::healthy, .cause = api::Cause::none, .since = noon};
  }
  for (const auto& [name, health] : but) report.relays[name] = health;
  return report;
}

Settings settings() {
  return {.agent_image = "registry.example.org/turnkeeper:1.0", .new_secret = [] { return Secret("first"); }};
}

Observed at_rest(const api::TurnCluster& cluster) {
  Observed observed;
  const auto first = plan(cluster, observed, settings(), noon);
  for (const auto* objects : {&first.create, &first.apply}) {
    for (const auto& [site, made] : *objects) {
      auto object = made;
      object["metadata"]["uid"] = object.at("kind").get<std::string>() + "-uid";
      object["metadata"]["resourceVersion"] = "42";
      if (object.at("kind") == "StatefulSet") {
        object["metadata"]["generation"] = 1;
        object["spec"]["revisionHistoryLimit"] = 10;  // one of the API server's defaults
        object["status"] = {{"observedGeneration", 1}, {"updateRevision", "new"}};
      }
      observed.children.push_back({site, std::move(object)});
    }
  }
  observed.pods = at("", {pod("eu", 0), pod("eu", 1), pod("us", 0)});
  observed.reports = {report()};
  observed.status = plan(cluster, observed, settings(), noon).status;
  return observed;
}

std::vector<Placed> at(const std::string& site, const std::vector<json>& objects) {
  std::vector<Placed> placed;
  for (const auto& object : objects) placed.push_back({site, object});
  return placed;
}

json& child_of(Observed& observed, const std::string& kind, const std::string& name) {
  for (auto& [site, object] : observed.children) {
    if (object.at("kind") == kind && object.at("metadata").at("name") == name) return object;
  }
  ADD_FAILURE() << "no " << kind << ' ' << name;
  static json none;
  return none;
}

namespace {

std::string in_condition(const json& status, const std::string& type, std::initializer_list<const char*> keys) {
  for (const auto& condition : status.at("conditions")) {
    if (condition.at("type") != type) continue;
    std::string text;
    for (const char* key : keys) text += (text.empty() ? "" : "/") + condition.at(key).get<std::string>();
    return text;
  }
  return "none";
}

}  // namespace

std::string condition(const json& status, const std::string& type) {
  return in_condition(status, type, {"status", "reason"});
}

std::string message(const json& status, const std::string& type) {
  return in_condition(status, type, {"message"});
}

}  // namespace turnkeeper::op
