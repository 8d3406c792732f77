#include "monitor/ice_api/ice_api.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace turnkeeper::monitor {
namespace {

// Three clusters, two of one name in two namespaces; what is asked of the core is kept.
class IceApiTest : public ::testing::Test {
 protected:
  IceApiTest() {
    for (const char* name : {"prod/calls", "test/calls", "prod/robots"}) {
      fleet_.clusters.push_back({.name = name, .regions = {{.name = "eu"}, {.name = "us"}}});
      fleet_.clusters.back().regions.push_back({.name = "twilio", .external = true});
    }
    api_.add_routes(router_);
    api_.set_region_header({.name = "cf-ipcountry", .regions = {{"US", "us"}, {"JP", "asia"}, {"XX", "twilio"}}});
  }

  // What the core was asked, nothing when it was not.
  std::optional<IceRequest> ask(const std::string& method, const std::string& path, const std::string& query = "",
                                const std::string& country = "") {
    asked_.reset();
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = *http::parse_query(query);
    request.peer = "192.0.2.1:4000";
    if (!country.empty()) request.headers = {{"cf-ipcountry", country}};
    const auto match = router_.match(request);
    if (match.handler != nullptr) (void)(*match.handler)(request);
    return asked_;
  }
  std::string cluster_for(const std::string& account) {
    return ask("POST", "/2010-04-01/Accounts/" + account + "/Tokens.json")->cluster;
  }

  Fleet fleet_;
  std::optional<IceRequest> asked_;
  const MakeConfig make_config_ = [this](const IceRequest& request) -> IceResult<IceConfig> {
    asked_ = request;
    return IceConfig{.servers = {}, .cluster = request.cluster, .region = request.region};
  };
  const Clock& clock_ = real_clock();
  Metrics metrics_{"test", clock_};
  const Gate gate_{{.anonymous = true}};
  PushHub hub_{make_config_, {}, clock_};
  AdmittedStreams streams_{gate_, clock_};
  Audit audit_{metrics_, false, clock_};
  IceApi api_{make_config_, {[this]() -> const Fleet& { return fleet_; }, {}, {}}, hub_, gate_, streams_, audit_,
              clock_};
  http::Router router_;
};

TEST_F(IceApiTest, AVendorsNameIsAClusterWhenOneIsCalledSo) {
  EXPECT_EQ(cluster_for("robots"), "prod/robots");
  EXPECT_EQ(cluster_for("calls"), "") << "there are two: which one is not to be guessed";
  EXPECT_EQ(cluster_for("AC0123"), "");
  EXPECT_EQ(ask("GET", "/ice", "namespace=test&gateway=calls")->cluster, "test/calls");
  EXPECT_EQ(ask("GET", "/ice", "namespace=test&gateway=calls&cluster=prod/robots")->cluster, "prod/robots")
      << "said is said";
}

TEST_F(IceApiTest, AVendorsRegionIsOneOfOursOrMeansNothing) {
  EXPECT_EQ(ask("GET", "/api/v1/turn/credentials", "region=us&cluster=prod/robots")->region, "us");
  EXPECT_EQ(ask("GET", "/api/v1/turn/credentials", "region=asia_east&cluster=prod/robots")->region, "");
  EXPECT_EQ(ask("GET", "/api/v1/turn/credentials", "region=twilio&cluster=prod/robots")->region, "")
      << "a provider's relays are not to be asked for";
}

TEST_F(IceApiTest, AProxysWordCountsOnlyWhenTheClientSaysNothing) {
  const std::string query = "user=alice&cluster=prod/robots";
  EXPECT_EQ(ask("GET", "/v1/ice", query, "US")->region, "us");
  EXPECT_EQ(ask("GET", "/v1/ice", query, "JP")->region, "") << "a region that this cluster does not have";
  EXPECT_EQ(ask("GET", "/v1/ice", query, "XX")->region, "");
  EXPECT_EQ(ask("GET", "/v1/ice", query + "&region=eu", "US")->region, "eu");
  EXPECT_EQ(ask("GET", "/v1/ice", query + "&rtt=eu:5", "US")->region, "");
  EXPECT_EQ(ask("GET", "/api/v1/turn/credentials", "region=eu&cluster=prod/robots", "US")->region, "eu");
}

TEST_F(IceApiTest, ACredentialShownAsAKeyIsAskedForAgainForItsOwnUser) {
  const auto expiry =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.system().time_since_epoch()).count() + 600;
  std::string key = "turn.";
  for (const unsigned char c : std::to_string(expiry) + ":alice password") {
    key += "0123456789abcdef"[c >> 4];
    key += "0123456789abcdef"[c & 15];
  }
  const auto asked = ask("GET", "/api/v1/turn/credentials", "cluster=prod/robots&apiKey=" + key);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->user, "alice");
  EXPECT_NEAR(asked->ttl->count(), 600, 2);
}

}  // namespace
}  // namespace turnkeeper::monitor
