#include "turnkeeper/http/router.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.get("/", [](const Request&) { return Response::text("status page"); });
    router_.get("/relays", [](const Request&) { return Response::text("list"); });
    router_.post("/relays/{name}/stop",
                 [](const Request& request) { return Response::text("stopped " + request.parameters.at("name")); });
    router_.events("/v1/events", [](const Request&, const std::shared_ptr<EventStream>&) { return std::nullopt; });
  }

  Response ask(const std::string& method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    const auto match = router_.match(request);
    if (match.handler != nullptr) return (*match.handler)(request);
    return match.refusal.value_or(Response::text("a stream"));
  }

  Router router_;
};

TEST_F(RouterTest, MethodAndPathChooseTheHandler) {
  EXPECT_EQ(ask("GET", "/").body, "status page");
  EXPECT_EQ(ask("GET", "/relays").body, "list");
  EXPECT_EQ(ask("POST", "/relays/eu-0/stop").body, "stopped eu-0");
}

TEST_F(RouterTest, PathGoesBeforeAPatternThatWouldTakeItToo) {
  router_.post("/relays/all/stop", [](const Request&) { return Response::text("stopped every one"); });
  EXPECT_EQ(ask("POST", "/relays/all/stop").body, "stopped every one");
  EXPECT_EQ(ask("POST", "/relays/eu-0/stop").body, "stopped eu-0");
}

TEST_F(RouterTest, MethodsOfOnePathAreApart) {
  router_.put("/relays", [](const Request&) { return Response::text("put"); });
  router_.del("/relays", [](const Request&) { return Response::text("deleted"); });
  EXPECT_EQ(ask("PUT", "/relays").body, "put");
  EXPECT_EQ(ask("DELETE", "/relays").body, "deleted");
  EXPECT_EQ(ask("GET", "/relays").body, "list");
}

TEST_F(RouterTest, HeadIsAnsweredByGet) {
  EXPECT_EQ(ask("HEAD", "/relays").body, "list");
}

TEST_F(RouterTest, UnknownPathIs404) {
  EXPECT_EQ(ask("GET", "/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/relays/").status, 404);
  EXPECT_EQ(ask("POST", "/relays//stop").status, 404) << "a name must not be empty";
  EXPECT_EQ(ask("POST", "/relays/a/b/stop").status, 404) << "a name is one segment";
}

TEST_F(RouterTest, WrongMethodIs405AndSaysWhichAreAllowed) {
  const Response response = ask("PATCH", "/relays");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "GET, HEAD")));
  EXPECT_THAT(ask("GET", "/relays/eu-0/stop").headers, ElementsAre(Pair("Allow", "POST")));
  EXPECT_THAT(ask("HEAD", "/v1/events").headers, ElementsAre(Pair("Allow", "GET")));
}

}  // namespace
}  // namespace turnkeeper::http
