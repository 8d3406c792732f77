#include "cli/cluster_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const SystemTime now = parse_rfc3339("2026-08-01T12:00:00Z").value();

json calls() {
  return json::parse(R"({
    "metadata": {"name": "calls", "namespace": "telephony", "generation": 3},
    "spec": {"realm": "turn.example.org", "credentials": {"ttl": "24h"}, "budget": {"monthly": "45", "currency": "EUR"}},
    "status": {
      "observedGeneration": 3,
      "conditions": [
        {"type": "Ready", "status": "True", "reason": "AllRegionsServe", "message": "2 regions serve their clients",
         "lastTransitionTime": "2026-08-01T09:00:00Z"},
        {"type": "RelaysHealthy", "status": "False", "reason": "SomeRelaysFail", "message": "us-east-0 is Unhealthy: auth-secret",
         "lastTransitionTime": "2026-08-01T11:58:00Z"}],
      "regions": [{"name": "eu-west", "verdict": "Healthy", "relays": 2, "healthy": 2, "servedBy": "eu-west"},
                  {"name": "us-east", "verdict": "Unhealthy", "relays": 1, "healthy": 0, "servedBy": "eu-west"},
                  {"name": "asia", "verdict": "Unhealthy", "relays": 1, "healthy": 0, "servedBy": ""}],
      "relays": [{"name": "eu-west-0", "verdict": "Healthy", "since": "2026-07-31T12:00:00Z", "sessions": 120,
                  "version": "4.18.0", "address": "192.0.2.1"},
                 {"name": "us-east-0", "verdict": "Unhealthy", "since": "2026-08-01T11:58:00Z", "cause": "auth-secret",
                  "address": "2001:db8::1"}],
      "credentials": {"phase": "Staging", "currentKey": "k3", "nextRotation": "2026-08-03T12:00:00Z"},
      "budget": {"month": "2026-08", "cost": "12.50", "gigabytes": "97.30"}}})");
}

TEST(ClusterReport, AnswersWhatIsWrongAndWhoServesWhom) {
  EXPECT_EQ(cluster_report(calls(), now),
            "TurnCluster telephony/calls, realm turn.example.org\n"
            "\n"
            "  CONDITION             SINCE  REASON\n"
            "  Ready          True   3 h    AllRegionsServe  2 regions serve their clients\n"
            "  RelaysHealthy  False  2 min  SomeRelaysFail   us-east-0 is Unhealthy: auth-secret\n"
            "\n"
            "  REGION   VERDICT    HEALTHY  SERVED BY\n"
            "  eu-west  Healthy    2 of 2   itself\n"
            "  us-east  Unhealthy  0 of 1   eu-west\n"
            "  asia     Unhealthy  0 of 1   nobody\n"
            "\n"
            "  RELAY      VERDICT    SINCE  SESSIONS  COTURN  ADDRESS      CAUSE\n"
            "  eu-west-0  Healthy    24 h   120       4.18.0  192.0.2.1\n"
            "  us-east-0  Unhealthy  2 min                    2001:db8::1  auth-secret\n"
            "\n"
            "  Signing key k3, rotation Staging, next in 2 days (2026-08-03T12:00:00Z)\n"
            "\n"
            "  Costs 12.50 of 45 EUR in 2026-08, 97.30 GB sent\n");
}

TEST(ClusterReport, SaysWhenItIsNotAboutTheNewestSpec) {
  auto object = calls();
  object["metadata"]["generation"] = 4;
  EXPECT_THAT(cluster_report(object, now), HasSubstr("has not seen the newest spec"));
  object.erase("status");
  EXPECT_THAT(cluster_report(object, now), HasSubstr("No operator has looked at it"));
  object["spec"]["paused"] = true;
  EXPECT_THAT(cluster_report(object, now), HasSubstr("paused"));
}

TEST(ClusterReport, SurvivesObjectsOfAnyShapeAndLetsNoTerminalObeyThem) {
  for (const char* text :
       {"{}", R"({"status": 3, "spec": []})", R"({"status": {"conditions": {}, "relays": [1, null]}})",
        R"({"status": {"conditions": [{"type": 1}], "credentials": {"currentKey": 7}}})"}) {
    EXPECT_NO_THROW((void)cluster_report(json::parse(text), now)) << text;
    EXPECT_NO_THROW((void)rotation_preview(json::parse(text), true)) << text;
  }
  auto object = calls();
  object["status"]["conditions"][0]["message"] = "\x1b[2J";
  EXPECT_THAT(cluster_report(object, now), Not(HasSubstr("\x1b")));
}

TEST(RotationPreview, SaysWhatCallersWillNotice) {
  EXPECT_THAT(rotation_preview(calls(), false), HasSubstr("No call is cut"));
  EXPECT_THAT(rotation_preview(calls(), false), HasSubstr("For 24h"));
  EXPECT_THAT(rotation_preview(calls(), true), HasSubstr("(signing key k3) is removed at once"));
}

}  // namespace
}  // namespace turnkeeper::cli
