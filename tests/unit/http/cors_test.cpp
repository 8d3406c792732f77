#include "turnkeeper/http/cors.hpp"

#include <gtest/gtest.h>

#include <map>

#include "turnkeeper/http/host.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::http {
namespace {

Request from(const std::string& origin, const std::string& method = "GET", const std::string& path = "/v1/ice") {
  Request request{.method = method, .path = path};
  if (!origin.empty()) request.headers.emplace_back("origin", origin);
  if (method == "OPTIONS") request.headers.emplace_back("access-control-request-method", "GET");
  return request;
}

std::map<std::string, std::string> as_map(const std::vector<std::pair<std::string, std::string>>& headers) {
  return {headers.begin(), headers.end()};
}

Router router(std::vector<std::string> origins) {
  Router router;
  const auto ok = [](const Request&) { return Response::text("ok"); };
  router.get("/v1/ice", ok);
  router.post("/v1/keys/{id}/ice", ok);
  router.events("/v1/events", [](const Request&, const std::shared_ptr<EventStream>&) { return std::nullopt; });
  router.allow_origins(*Cors::parse(std::move(origins)));
  router.get("/metrics", ok);
  return router;
}

TEST(CorsTest, PagesOfAnAllowedOriginMayReadAndOthersMayNot) {
  const auto routes = router({"https://app.example.org", "http://localhost:5173"});
  for (const auto* path : {"/v1/ice", "/v1/events"}) {
    auto request = from("https://app.example.org", "GET", path);
    auto headers = as_map(routes.match(request).headers);
    EXPECT_EQ(headers["Access-Control-Allow-Origin"], "https://app.example.org") << path;
    EXPECT_EQ(headers["Access-Control-Expose-Headers"], "Retry-After");
    EXPECT_EQ(headers["Vary"], "Origin");
    EXPECT_FALSE(headers.contains("Access-Control-Allow-Credentials"));
  }
  for (const auto* other : {"https://evil.example.org", "https://app.example.org.evil.org", "http://app.example.org",
                            "https://app.example.org:8443", "null", "*", ""}) {
    auto request = from(other);
    auto headers = as_map(routes.match(request).headers);
    EXPECT_FALSE(headers.contains("Access-Control-Allow-Origin")) << other;
    EXPECT_EQ(headers["Vary"], "Origin") << "a cache must not give this answer to the allowed page";
  }
  auto metrics = from("https://app.example.org", "GET", "/metrics");
  EXPECT_TRUE(routes.match(metrics).headers.empty()) << "what is not for pages";
}

TEST(CorsTest, APreflightIsAnsweredForWhatThePathTakes) {
  const auto routes = router({"https://app.example.org"});
  auto allowed = from("https://app.example.org", "OPTIONS", "/v1/keys/7/ice");
  const auto match = routes.match(allowed);
  ASSERT_TRUE(match.refusal);
  EXPECT_EQ(match.refusal->status, 204);
  auto headers = as_map(match.refusal->headers);
  EXPECT_EQ(headers["Access-Control-Allow-Origin"], "https://app.example.org");
  EXPECT_EQ(headers["Access-Control-Allow-Methods"], "POST");
  EXPECT_EQ(headers["Access-Control-Allow-Headers"], "Authorization, Content-Type, Last-Event-ID, X-API-Key");
  EXPECT_EQ(headers["Access-Control-Max-Age"], "600");
  EXPECT_FALSE(headers.contains("Access-Control-Allow-Private-Network"));

  auto denied = from("https://evil.example.org", "OPTIONS");
  const auto refused = routes.match(denied).refusal;
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_FALSE(as_map(refused->headers).contains("Access-Control-Allow-Origin"));
  auto metrics = from("https://app.example.org", "OPTIONS", "/metrics");
  EXPECT_EQ(routes.match(metrics).refusal->status, 405);
  auto unknown = from("https://app.example.org", "OPTIONS", "/nothing");
  EXPECT_EQ(routes.match(unknown).refusal->status, 404);
}

TEST(CorsTest, AStarIsForAllAndNeverEchoesTheOrigin) {
  const auto cors = Cors::parse({"*"});
  ASSERT_TRUE(cors);
  auto headers = as_map(cors->headers(from("https://anybody.example.org")));
  EXPECT_EQ(headers["Access-Control-Allow-Origin"], "*");
  EXPECT_FALSE(headers.contains("Vary"));
  EXPECT_FALSE(Cors::parse({"*", "https://app.example.org"}));
}

TEST(CorsTest, WhatNoBrowserSendsIsNoOrigin) {
  for (const auto* good : {"https://app.example.org", "http://localhost:5173", "https://[2001:db8::1]:8443",
                           "capacitor://localhost", "chrome-extension://abcdefgh"}) {
    EXPECT_TRUE(Cors::parse({good})) << good;
  }
  for (const auto* bad :
       {"", "null", "app.example.org", "https://", "https://App.example.org", "https://app.example.org/",
        "https://app.example.org/x", "https://app.example.org:443", "http://a:80", "https://*.example.org",
        "https://a b", "https://user@a", "://a", "https://:8443"}) {
    EXPECT_FALSE(Cors::parse({bad})) << bad;
  }
}

TEST(HostTest, OnlyNamesOfThisMachineAreLoopback) {
  for (const auto* host : {"localhost", "LocalHost:8480", "127.0.0.1", "127.0.0.1:8480", "127.9.9.9:1", "[::1]",
                           "[::1]:8480", "demo.localhost:80", "localhost."}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const auto* host :
       {"", ":8480", "evil.example.org", "localhost.evil.org", "127.0.0.1.evil.org", "127.0.0.1.nip.io:80", "192.0.2.1",
        "[2001:db8::1]:80", "[", "[]", "0.0.0.0:80", "notlocalhost", "2130706433"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(GuardTest, WhatTheGuardAnswersIsTheAnswerEverywhere) {
  auto routes = router({"*"});
  routes.guard([](const Request& request) -> std::optional<Response> {
    if (request.header("host") == "evil") return Response::text("no", 403);
    return std::nullopt;
  });
  for (const auto* path : {"/v1/ice", "/v1/events", "/metrics", "/nothing"}) {
    auto request = from("", "GET", path);
    request.headers.emplace_back("host", "evil");
    const auto match = routes.match(request);
    ASSERT_TRUE(match.refusal) << path;
    EXPECT_EQ(match.refusal->status, 403);
    EXPECT_EQ(match.handler, nullptr);
    EXPECT_TRUE(match.headers.empty());
  }
  auto request = from("");
  EXPECT_NE(routes.match(request).handler, nullptr);
}

}  // namespace
}  // namespace turnkeeper::http
