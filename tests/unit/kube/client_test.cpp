#include "turnkeeper/kube/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scripted_transport.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ClientTest : public ::testing::Test {
 protected:
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>();
  std::vector<int> observed;
  bool leads = true;
  Client client{transport,
                {},
                {.observer = [this](int status, const std::string&) { observed.push_back(status); },
                 .may_write = [this] { return leads; }}};
  const Deadline deadline = Deadline::after(real_clock(), 1min);
  const json config_map = {
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "turn-eu"}, {"namespace", "ns"}}}};

  ErrorKind kind_after(int status, const std::string& body = "{}") {
    transport->answer(status, body);
    return client.get(pods, {"ns", "a"}, deadline).error().kind;
  }
};

TEST_F(ClientTest, AppliesOnTheServersSide) {
  transport->answer(200, config_map.dump());
  ASSERT_TRUE(client.apply(config_maps, config_map, {.field_manager = "turnkeeper-operator"}, deadline));
  const Request& sent = transport->requests.front();
  EXPECT_EQ(sent.method, "PATCH");
  EXPECT_EQ(sent.path,
            "/api/v1/namespaces/ns/configmaps/turn-eu?fieldManager=turnkeeper-operator&force=true&"
            "fieldValidation=Ignore");
  EXPECT_EQ(sent.content_type, "application/apply-patch+yaml");
}

TEST_F(ClientTest, AppliesStatusOnItsSubresource) {
  transport->answer(200, config_map.dump());
  ASSERT_TRUE(client.apply_status(config_maps, config_map, {.field_manager = "m"}, deadline));
  EXPECT_THAT(transport->requests.front().path, HasSubstr("/turn-eu/status?"));
}

TEST_F(ClientTest, AWriteAsksForNoMoreThanAReceipt) {
  transport->answer(
      200, R"({"kind":"PartialObjectMetadata","metadata":{"name":"turn-eu","uid":"u","resourceVersion":"7"}})");
  const auto receipt =
      client.write(config_maps, key_of(config_map), config_map.dump(), {.field_manager = "m"}, deadline);
  ASSERT_TRUE(receipt) << receipt.error().text();
  EXPECT_EQ(receipt->uid, "u");
  EXPECT_EQ(receipt->version, "7");
  EXPECT_THAT(transport->requests.front().accept, HasSubstr("as=PartialObjectMetadata"));
  transport->answer(200, "{}");
  EXPECT_EQ(
      client.write(config_maps, key_of(config_map), config_map.dump(), {.field_manager = "m"}, deadline).error().kind,
      ErrorKind::unexpected);
}

TEST_F(ClientTest, ReadsTheRelease) {
  transport->answer(200, R"({"major":"1","minor":"31+","gitVersion":"v1.31.4-eks"})");
  EXPECT_EQ(client.release(deadline).value(), (Release{1, 31}));
  EXPECT_LT((Release{1, 9}), (Release{1, 31}));
  transport->answer(200, "{}");
  EXPECT_EQ(client.release(deadline).value(), Release{}) << "whatever is asked of it, it is too old";
  transport->answer(401, "{}");
  EXPECT_FALSE(client.release(deadline)) << "it does not know us";
}

TEST_F(ClientTest, AWriteOfWhatIsNewIsNeverRepeated) {
  transport->answer(201, R"({"metadata":{"uid":"u","resourceVersion":"7"}})");
  const auto receipt = client.write_new(config_maps, key_of(config_map), config_map.dump(), deadline);
  ASSERT_TRUE(receipt) << receipt.error().text();
  EXPECT_EQ(receipt->version, "7");
  const Request& sent = transport->requests.front();
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.path, "/api/v1/namespaces/ns/configmaps");
  EXPECT_EQ(sent.body, config_map.dump());
  EXPECT_THAT(sent.accept, HasSubstr("as=PartialObjectMetadata"));
  transport->fail_with(ErrorKind::unreachable);
  EXPECT_FALSE(client.write_new(config_maps, key_of(config_map), config_map.dump(), deadline));
  EXPECT_EQ(transport->requests.size(), 2U);
}

// A leader that sleeps in the middle of a pass wakes with the rest of it to write.
TEST_F(ClientTest, WhoMayNotWriteReadsOnly) {
  leads = false;
  EXPECT_EQ(client.apply(config_maps, config_map, {}, deadline).error().kind, ErrorKind::fenced);
  EXPECT_EQ(client.remove(config_maps, key_of(config_map), {}, deadline).error().kind, ErrorKind::fenced);
  const auto created = client.create(config_maps, config_map, deadline);
  ASSERT_FALSE(created);
  EXPECT_TRUE(created.error().transient()) << "it may lead again";
  EXPECT_TRUE(transport->requests.empty());
  transport->answer(200, config_map.dump());
  EXPECT_TRUE(client.get(config_maps, key_of(config_map), deadline));
  leads = true;
  transport->answer(201, config_map.dump());
  EXPECT_TRUE(client.create(config_maps, config_map, deadline));
}

TEST_F(ClientTest, TellsErrorsApart) {
  EXPECT_EQ(kind_after(401), ErrorKind::unauthorized);
  EXPECT_EQ(kind_after(403), ErrorKind::forbidden);
  EXPECT_EQ(kind_after(404), ErrorKind::not_found);
  EXPECT_EQ(kind_after(409, R"({"reason":"Conflict"})"), ErrorKind::conflict);
  EXPECT_EQ(kind_after(409, R"({"reason":"AlreadyExists"})"), ErrorKind::already_exists);
  EXPECT_EQ(kind_after(410), ErrorKind::gone);
  EXPECT_EQ(kind_after(422), ErrorKind::invalid);
  EXPECT_EQ(kind_after(503), ErrorKind::server);
  EXPECT_EQ(kind_after(200, "{\"metadata\":"), ErrorKind::unexpected);
  EXPECT_EQ(observed.size(), 9U);
}

TEST_F(ClientTest, AForbiddenRequestSaysWhatIsMissing) {
  transport->answer(403,
                    R"({"kind":"Status","message":"pods is forbidden: User \"x\" cannot get resource","code":403})");
  const Error error = client.get(pods, {"ns", "a"}, deadline).error();
  EXPECT_THAT(error.message, HasSubstr("get Pod ns/a: pods is forbidden: User \"x\""));
  EXPECT_THAT(error.advice, HasSubstr("permission"));
  EXPECT_FALSE(error.transient());
}

TEST_F(ClientTest, KeepsHowLongToWait) {
  transport->answer(429, R"({"details":{"retryAfterSeconds":3}})");
  const Error error = client.get(pods, {"ns", "a"}, deadline).error();
  EXPECT_EQ(error.retry_after, 3s);
  EXPECT_TRUE(error.transient());
}

TEST_F(ClientTest, RepeatsWhatIsHarmlessWhenAnIdleConnectionWasClosed) {
  transport->fail_with(ErrorKind::unreachable);
  transport->answer(200, config_map.dump());
  EXPECT_TRUE(client.apply(config_maps, config_map, {.field_manager = "m"}, deadline));
  EXPECT_EQ(transport->requests.size(), 2U);
}

TEST_F(ClientTest, NeverRepeatsACreate) {
  transport->fail_with(ErrorKind::unreachable);
  EXPECT_FALSE(client.create(config_maps, config_map, deadline));
  EXPECT_EQ(transport->requests.size(), 1U);
}

TEST_F(ClientTest, DeletesOnlyTheObjectThatWasSeen) {
  transport->answer(200, "{}");
  ASSERT_TRUE(client.remove(pods, {"ns", "a"}, {.uid = "u1", .resource_version = "5"}, deadline));
  const json body = json::parse(transport->requests.front().body);
  EXPECT_EQ(body["preconditions"], (json{{"uid", "u1"}, {"resourceVersion", "5"}}));
}

TEST_F(ClientTest, ListedObjectsSayWhatTheyAre) {
  transport->answer(200, R"({"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}}]})");
  auto listed = client.list(stateful_sets, "ns", {}, deadline);
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->items[0]["kind"], "StatefulSet");
  EXPECT_EQ(listed->items[0]["apiVersion"], "apps/v1");
  EXPECT_EQ(listed->resource_version, "7");
}

}  // namespace
}  // namespace turnkeeper::kube
