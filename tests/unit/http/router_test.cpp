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
    if (match.handler == nullptr) return match.refusal;
    Response response;
    (*match.handler)(request, [&](Response answer) { response = std::move(answer); });
    return response;
  }

  Router router_;
};

TEST_F(RouterTest, MethodAndPathChooseTheHandler) {
  EXPECT_EQ(ask("GET", "/").body, "status page");
  EXPECT_EQ(ask("GET", "/relays").body, "list");
  EXPECT_EQ(ask("POST", "/relays/eu-0/stop").body, "stopped eu-0");
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
  const Response response = ask("DELETE", "/relays");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "GET, HEAD")));
  EXPECT_THAT(ask("GET", "/relays/eu-0/stop").headers, ElementsAre(Pair("Allow", "POST")));
  EXPECT_THAT(ask("HEAD", "/v1/events").headers, ElementsAre(Pair("Allow", "GET")));
}

}  // namespace
}  // namespace turnkeeper::http
