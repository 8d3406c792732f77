#include "operator/plan/provider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "operator/plan/status.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;
using nlohmann::json;
using testing::HasSubstr;

api::TurnCluster with_twilio(api::ProviderUse use = api::ProviderUse::fallback) {
  auto cluster = two_regions();
  cluster.spec.failover = {.providers = {{.name = "twilio",
                                          .type = api::ProviderType::twilio,
                                          .secret = {.name = "vendors", .key = "twilio"},
                                          .account = "AC00",
                                          .cost_per_gigabyte = 0.4}},
                           .use = use};
  return cluster;
}

// All is well, the provider too.
Observed world(const api::TurnCluster& cluster) {
  auto observed = at_rest(cluster);
  observed.secrets["vendors"] = {{"data", {{"twilio", base64_encode("token\n")}}}};
  observed.reports[0].providers["twilio"] = {.verdict = Verdict::healthy};
  return observed;
}

void all_relays_die(Observed& observed) {
  for (auto& [relay, health] : observed.reports[0].relays) {
    health = {.verdict = Verdict::unhealthy, .cause = Cause::connect_timeout, .since = noon - 1min};
  }
}

json status_of(const api::TurnCluster& cluster, const Observed& observed) {
  return plan(cluster, observed, settings(), noon).status;
}

TEST(ProviderStatus, SaysThatTheProviderCarriesTheClientsWhenNoRelayOfOursWorks) {
  const auto cluster = with_twilio();
  auto observed = world(cluster);
  auto status = status_of(cluster, observed);
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(condition(status, "ProvidersUsable"), "True/AllProvidersUsable");
  EXPECT_EQ(message(status, "ProvidersUsable"), "provider twilio can take clients");
  EXPECT_EQ(status["regions"][0]["servedBy"], "eu") << "a fallback is not used before it is needed";

  all_relays_die(observed);
  status = status_of(cluster, observed);
  EXPECT_EQ(status["regions"][0]["servedBy"], "provider twilio");
  EXPECT_EQ(status["regions"][1]["servedBy"], "provider twilio");
  EXPECT_EQ(status["summary"]["serving"], 0);
  EXPECT_EQ(condition(status, "Ready"), "False/FailedOver");
  EXPECT_THAT(message(status, "Ready"), HasSubstr("eu is served by provider twilio: eu-0 is Unhealthy"));

  observed.reports[0].providers["twilio"] = {.verdict = Verdict::unhealthy, .cause = Cause::auth_secret};
  status = status_of(cluster, observed);
  EXPECT_EQ(status["regions"][0]["servedBy"], "");
  EXPECT_EQ(condition(status, "Ready"), "False/RegionDown");
}

TEST(ProviderStatus, TellsOfABrokenProviderBeforeItIsNeeded) {
  const auto cluster = with_twilio();
  auto observed = world(cluster);
  auto& twilio = observed.reports[0].providers["twilio"];
  twilio = {.verdict = Verdict::unknown, .trouble = "the API refuses (401): check the account and the token"};
  auto status = status_of(cluster, observed);
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe");
  EXPECT_EQ(condition(status, "ProvidersUsable"), "False/ProviderFailing");
  EXPECT_EQ(message(status, "ProvidersUsable"),
            "provider twilio: it gives no credentials: the API refuses (401): check the account and the token");
  twilio.verdict = Verdict::healthy;
  EXPECT_THAT(message(status_of(cluster, observed), "ProvidersUsable"), HasSubstr("those that there are still work"));
  twilio = {.verdict = Verdict::unhealthy, .cause = Cause::connect_timeout};
  EXPECT_THAT(message(status_of(cluster, observed), "ProvidersUsable"),
              HasSubstr("its relays are Unhealthy (connect-timeout)"));
  twilio = {};
  EXPECT_EQ(condition(status_of(cluster, observed), "ProvidersUsable"), "Unknown/NotProvenYet");
  observed.reports.clear();
  EXPECT_EQ(condition(status_of(cluster, observed), "ProvidersUsable"), "Unknown/MonitorNotHeard");
  EXPECT_EQ(condition(status_of(two_regions(), observed), "ProvidersUsable"), "none");
}

TEST(ProviderStatus, TellsWhichSecretIsMissingAndHowToMakeIt) {
  const auto cluster = with_twilio();
  auto observed = world(cluster);
  const auto told = [&] {
    const auto status = status_of(cluster, observed);
    EXPECT_EQ(condition(status, "ProvidersUsable"), "False/SecretUnusable");
    return message(status, "ProvidersUsable");
  };
  observed.secrets["vendors"] = {{"data", {{"token", base64_encode("token")}}}};
  EXPECT_EQ(
      told(),
      "provider twilio: Secret vendors, entry twilio: the Secret has no such entry; write the provider's token or "
      "password there");
  observed.secrets["vendors"] = {{"data", {{"twilio", base64_encode("\n")}}}};
  EXPECT_THAT(told(), HasSubstr("it is empty"));
  observed.secrets.clear();
  EXPECT_EQ(told(),
            "provider twilio: Secret vendors, entry twilio: there is no such Secret; make it with kubectl -n telephony "
            "create secret generic vendors --from-file=twilio=FILE");
  observed.unread_secrets["vendors"] = "secrets is forbidden";
  EXPECT_THAT(told(), HasSubstr("it cannot be read: secrets is forbidden"));
}

TEST(ProviderStatus, FollowsTheUseOfProviders) {
  auto cluster = with_twilio(api::ProviderUse::only);
  auto observed = world(cluster);
  auto status = status_of(cluster, observed);
  EXPECT_EQ(status["regions"][0]["servedBy"], "provider twilio");
  EXPECT_EQ(condition(status, "Ready"), "True/AllRegionsServe") << "that is what was asked for";
  observed.reports[0].providers.clear();
  EXPECT_EQ(status_of(cluster, observed)["regions"][0]["servedBy"], "eu");

  cluster = with_twilio(api::ProviderUse::cheapest);
  cluster.spec.budget = api::Budget{.monthly = 45, .per_gigabyte = 0.5};
  observed = world(cluster);
  EXPECT_EQ(status_of(cluster, observed)["regions"][0]["servedBy"], "provider twilio");
  cluster.spec.budget->per_gigabyte = 0.3;
  EXPECT_EQ(status_of(cluster, observed)["regions"][0]["servedBy"], "eu");
}

TEST(ProviderStatus, IsThatOfMostVantages) {
  auto a = report({}, noon, "a");
  auto b = report({}, noon, "b");
  auto c = report({}, noon, "c");
  const ProviderHealth down{.verdict = Verdict::unhealthy, .cause = Cause::dns, .trouble = "the API does not answer"};
  a.providers["twilio"] = down;
  b.providers["twilio"] = c.providers["twilio"] = {.verdict = Verdict::healthy};
  EXPECT_EQ(cluster_health({a, b, c}, noon).providers.at("twilio"), (ProviderHealth{.verdict = Verdict::healthy}));
  b.providers["twilio"] = down;
  EXPECT_EQ(cluster_health({a, b, c}, noon).providers.at("twilio"), down);
  EXPECT_EQ(cluster_health({a, b, c}, noon + 1min).providers.size(), 0u) << "nobody was heard";
}

}  // namespace
}  // namespace turnkeeper::op
