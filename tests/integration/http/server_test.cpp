#include "turnkeeper/http/server.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "live_server.hpp"

namespace turnkeeper::http {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kGet = "GET /echo HTTP/1.1\r\nHost: test\r\n\r\n";
constexpr const char* kLastGet = "GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

Router echo_router() {
  Router router;
  router.get("/echo", [](const Request& request) {
    return Response::text("user=" + request.field("user").value_or("-") +
                          " loopback=" + (request.loopback ? "1" : "0"));
  });
  router.post("/echo", [](const Request& request) { return Response::text(request.body); });
  router.get("/throws", [](const Request&) -> Response { throw std::runtime_error("a bug"); });
  return router;
}

std::string temporary_socket() {
  std::string directory = (std::filesystem::temp_directory_path() / "turnkeeper-http-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return directory + "/control.sock";
}

TEST(Server, AnswersOverIpv4Ipv6AndUnixSockets) {
  const std::string path = temporary_socket();
  for (const std::string address : {"127.0.0.1:0", "[::1]:0", "localhost:0"}) {
    LiveServer server(echo_router(), {}, address);
    const auto reply = fetch(server.url(), {.target = "/echo?user=a%20b"}, soon());
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "user=a b loopback=1");
  }
  {
    LiveServer server(echo_router(), {}, "unix:" + path);
    const auto reply = fetch(server.url(), {.target = "/echo"}, soon());
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->body, "user=- loopback=1");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << "another user of the machine could control the relays";
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "the socket file outlived its server";
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST(Server, StarIsReachedOverBothFamilies) {
  LiveServer server(echo_router(), {}, "*:0");
  for (const std::string host : {"127.0.0.1", "[::1]"}) {
    const auto reply =
        fetch("http://" + host + ":" + std::to_string(server.port()), {.target = "/echo?user=a"}, soon());
    ASSERT_TRUE(reply) << host << ": " << reply.error().text();
    EXPECT_EQ(reply->body, "user=a loopback=1") << host;
  }
}

TEST(Server, TakenPortIsSaidInOneLineWithAdvice) {
  LiveServer first(echo_router());
  boost::asio::io_context io;
  const auto second = Server::listen(io, first.address(), echo_router());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot listen on " + first.address() + ": Address already in use");
  EXPECT_THAT(second.error().advice, HasSubstr("choose another port"));
}

TEST(Server, MalformedAddressesAreRefusedWithAdvice) {
  boost::asio::io_context io;
  for (const std::string address :
       {"8480", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "::1:80", "example.org:80", ""}) {
    const auto server = Server::listen(io, address, {});
    ASSERT_FALSE(server) << address;
    EXPECT_THAT(server.error().text(), HasSubstr("127.0.0.1:8480")) << address;
  }
  EXPECT_FALSE(Server::listen(io, "unix:/" + std::string(200, 'x'), {}));
}

TEST(Server, SocketFileOfAKilledProcessIsReplacedAndALiveOneIsNot) {
  const std::string path = temporary_socket();
  {
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::acceptor left_behind(io, path);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  {
    LiveServer server(echo_router(), {}, "unix:" + path);
    boost::asio::io_context io;
    EXPECT_FALSE(Server::listen(io, "unix:" + path, {}));
    EXPECT_TRUE(fetch(server.url(), {.target = "/echo"}, soon()));
  }
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST(Server, KeepsAConnectionForPipelinedRequests) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send(std::string(kGet) + kGet + kLastGet);
  const std::string text = connection.read_all();
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = text.find("HTTP/1.1 200 OK", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 3u);
}

TEST(Server, BodyReachesTheHandlerAndItsLimitHolds) {
  LiveServer server(echo_router(), {.body_bytes = 1000});
  const auto whole = fetch(server.url(), {.method = "POST", .target = "/echo", .body = std::string(1000, 'x')}, soon());
  ASSERT_TRUE(whole) << whole.error().text();
  EXPECT_EQ(whole->body.size(), 1000u);
  const auto refused =
      fetch(server.url(), {.method = "POST", .target = "/echo", .body = std::string(1001, 'x')}, soon());
  ASSERT_TRUE(refused) << refused.error().text();
  EXPECT_EQ(refused->status, 413);
  EXPECT_EQ(refused->headers.at("content-type"), "application/problem+json");

  RawConnection chunked(server.port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
               std::string(2000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.read_all(), StartsWith("HTTP/1.1 413 ")) << "a body without a stated length escaped the limit";
}

TEST(Server, OversizedHeaderIs431) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send("GET /echo HTTP/1.1\r\nHost: test\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 431 "));
}

TEST(Server, MalformedRequestsAre400AndCloseTheConnection) {
  LiveServer server(echo_router());
  for (const std::string request :
       {"nonsense\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET /echo HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /echo HTTP/1.1\r\n\r\n", "GET echo HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /echo?user=%2 HTTP/1.1\r\nHost: a\r\n\r\n", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "\x16\x03\x01\x02\x05 a TLS hello\r\n\r\n"}) {
    RawConnection connection(server.port());
    connection.send(request);
    EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 400 ")) << request;
  }
  EXPECT_TRUE(fetch(server.url(), {.target = "/echo"}, soon())) << "and the server lives on";
}

TEST(Server, HeadHasTheLengthButNoBody) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send("HEAD /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  const std::string text = connection.read_all();
  EXPECT_THAT(text, HasSubstr("Content-Length: 17"));
  EXPECT_THAT(text, MatchesRegex("HTTP/1.1 200 OK\r\n.*\r\n\r\n"));
}

TEST(Server, UnknownMethodsAndPathsAreSaid) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send("BREW /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  const std::string text = connection.read_all();
  EXPECT_THAT(text, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(text, HasSubstr("Allow: GET, HEAD, POST"));
  EXPECT_EQ(fetch(server.url(), {.target = "/nothing"}, soon())->status, 404);
}

TEST(Server, HandlerThatThrowsIs500AndTheServerLivesOn) {
  LiveServer server(echo_router());
  EXPECT_EQ(fetch(server.url(), {.target = "/throws"}, soon())->status, 500);
  EXPECT_EQ(fetch(server.url(), {.target = "/echo"}, soon())->status, 200);
}

TEST(Server, SlowRequestIsCutHoweverItTrickles) {
  LiveServer server(echo_router(), {.request_timeout = 100ms});
  RawConnection silent(server.port());
  EXPECT_EQ(silent.read_all(), "");

  RawConnection trickling(server.port());
  trickling.send("GET /echo HTTP/1.1\r\nX: ");
  const auto began = std::chrono::steady_clock::now();
  while (!trickling.closed_within(5ms)) {
    trickling.send("x");
    ASSERT_LT(std::chrono::steady_clock::now() - began, 5s) << "each byte bought more time";
  }
}

TEST(Server, IdleConnectionIsClosed) {
  LiveServer server(echo_router(), {.idle_timeout = 50ms});
  RawConnection connection(server.port());
  connection.send(kGet);
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(Server, ConnectionsBeyondTheLimitAreTurnedAway) {
  LiveServer server(echo_router(), {.connections = 1});
  {
    RawConnection first(server.port());
    first.send(kGet);
    EXPECT_THAT(first.read_until("loopback=1"), StartsWith("HTTP/1.1 200"));
    RawConnection second(server.port());
    EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 503 "));
    first.send(kLastGet);
    EXPECT_THAT(first.read_all(), StartsWith("HTTP/1.1 200"));
  }
  // The server sees the end of the first a moment after this test does.
  const Deadline deadline = soon();
  int status = 0;
  while (status != 200 && !deadline.expired(real_clock())) {
    const auto reply = fetch(server.url(), {.target = "/echo"}, deadline);
    status = reply ? reply->status : 0;
  }
  EXPECT_EQ(status, 200);
}

TEST(Server, DeferredAnswerMayComeFromAnotherThread) {
  Router router;
  std::thread worker;
  router.get_deferred("/probe", [&](const Request&, Responder respond) {
    worker = std::thread([respond = std::move(respond)] {
      respond(Response::text("probed"));
      respond(Response::text("a second answer"));
    });
  });
  LiveServer server(std::move(router));
  const auto reply = fetch(server.url(), {.target = "/probe"}, soon());
  worker.join();
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->body, "probed");
}

TEST(Server, StopClosesIdleAndWaitingConnectionsAtOnce) {
  Router router = echo_router();
  Responder never_called;
  router.get_deferred("/wait", [&](const Request&, Responder respond) { never_called = std::move(respond); });
  LiveServer server(std::move(router));
  RawConnection idle(server.port());
  idle.send(kGet);
  EXPECT_THAT(idle.read_until("loopback=1"), HasSubstr("200 OK"));
  RawConnection waiting(server.port());
  waiting.send("GET /wait HTTP/1.1\r\nHost: test\r\n\r\n");
  while (!never_called) server.on_loop([] {});
  const std::uint16_t port = server.port();
  server.stop();
  EXPECT_EQ(idle.read_all(), "");
  waiting.read_all();
  EXPECT_THROW(RawConnection refused(port), boost::system::system_error);
}

TEST(Server, LargeAnswerIsFinishedBeforeStopping) {
  Router router;
  router.get("/large", [](const Request&) { return Response::text(std::string(3'000'000, 'x')); });
  LiveServer server(std::move(router));
  RawConnection reader(server.port(), 4096);
  reader.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
  const std::size_t head = reader.read_until("\r\n\r\n").size();
  ASSERT_GT(head, 0u);
  server.stop();
  EXPECT_EQ(reader.read_all().size(), 3'000'000u);
}

}  // namespace
}  // namespace turnkeeper::http
