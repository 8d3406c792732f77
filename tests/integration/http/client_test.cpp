#include "turnkeeper/http/client.hpp"

#include <gmock/gmock.h>

#include "live_server.hpp"

namespace turnkeeper::http {
namespace {

using ::testing::HasSubstr;

TEST(Client, NobodyThereIsOneLine) {
  std::uint16_t free_port = 0;
  {
    LiveServer server({});
    free_port = server.port();
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port);
  const auto reply = fetch(url, {}, soon());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message, "cannot talk to " + url + ": Connection refused");
  const auto no_socket = fetch("unix:/nonexistent/control.sock", {}, soon());
  ASSERT_FALSE(no_socket);
  EXPECT_EQ(no_socket.error().message, "cannot talk to unix:/nonexistent/control.sock: No such file or directory");
}

TEST(Client, ServerThatNeverAnswersCostsTheDeadlineOnly) {
  Responder never_called;
  Router router;
  router.get_deferred("/", [&](const Request&, Responder respond) { never_called = std::move(respond); });
  LiveServer server(std::move(router));
  const auto reply = fetch(server.url(), {}, Deadline::after(real_clock(), 50ms));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, HasSubstr("in time"));
}

TEST(Client, ProblemIsReadBackAsAnError) {
  Router router;
  router.get("/", [](const Request&) { return Response::problem(404, {"no such region", "choose eu"}); });
  LiveServer server(std::move(router));
  const auto reply = fetch(server.url(), {}, soon());
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->error().text(), "no such region; choose eu");
  EXPECT_EQ((ClientResponse{.status = 502, .headers = {}, .body = "<html>"}).error().message, "502 Bad Gateway");
}

TEST(Client, PathOfTheUrlComesBeforeTheTarget) {
  Router router;
  router.get("/turn/v1/ice", [](const Request& request) { return Response::text(request.header("authorization")); });
  LiveServer server(std::move(router));
  const auto reply =
      fetch(server.url() + "/turn/", {.target = "/v1/ice", .headers = {{"Authorization", "Bearer key"}}}, soon());
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->body, "Bearer key");
}

TEST(Client, UrlThatItCannotSpeakToIsRefused) {
  for (const std::string url : {"https://example.org", "127.0.0.1:8480", "http://", "ftp://x", ""}) {
    const auto reply = fetch(url, {}, soon());
    ASSERT_FALSE(reply) << url;
    EXPECT_THAT(reply.error().text(), HasSubstr("http://HOST:PORT")) << url;
  }
}

}  // namespace
}  // namespace turnkeeper::http
