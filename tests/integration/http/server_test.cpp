#include "turnkeeper/http/server.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

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

// A server whose /wait never answers, so that who asks there keeps its connection busy.
class Waiters {
 public:
  Router router() {
    Router router = echo_router();
    router.get_deferred("/wait", [this](const Request&, Responder respond) {
      const std::lock_guard lock(mutex_);
      responders_.push_back(std::move(respond));
    });
    return router;
  }
  void wait_for(std::size_t count) {
    const Deadline deadline = soon();
    while (size() < count && !deadline.expired(real_clock())) std::this_thread::yield();
    ASSERT_EQ(size(), count);
  }
  void answer(std::size_t which, const std::string& text) {
    const std::lock_guard lock(mutex_);
    responders_.at(which)(Response::text(text));
  }

 private:
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return responders_.size();
  }
  std::mutex mutex_;
  std::vector<Responder> responders_;
};

constexpr const char* kWait = "GET /wait HTTP/1.1\r\nHost: test\r\n\r\n";

// The server sees the end of a connection a moment after its client does.
int status_soon(const LiveServer& server, int wanted) {
  const Deadline deadline = soon();
  int status = 0;
  while (status != wanted && !deadline.expired(real_clock())) {
    const auto reply = fetch(server.url(), {.target = "/echo"}, deadline);
    status = reply ? reply->status : 0;
  }
  return status;
}

TEST(Server, ConnectionsBeyondTheLimitAreTurnedAway) {
  Waiters waiters;
  LiveServer server(waiters.router(), {.connections = 1});
  {
    RawConnection first(server.port());
    first.send(kWait);
    waiters.wait_for(1);
    RawConnection second(server.port());
    EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 503 "));
    waiters.answer(0, "waited");
    EXPECT_THAT(first.read_until("waited"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(status_soon(server, 200), 200);
}

TEST(Server, LongestIdleConnectionMakesRoomForANewOne) {
  LiveServer server(echo_router(), {.connections = 2});
  RawConnection oldest(server.port());
  oldest.send(kGet);
  oldest.read_until("loopback=1");
  RawConnection newer(server.port());
  newer.send(kGet);
  newer.read_until("loopback=1");
  RawConnection newest(server.port());
  newest.send(kGet);
  EXPECT_THAT(newest.read_until("loopback=1"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(oldest.read_all(), "");
  newer.send(kGet);
  EXPECT_THAT(newer.read_until("loopback=1"), StartsWith("HTTP/1.1 200"));
}

TEST(Server, OneAddressCannotTakeAllConnections) {
  LiveServer server(echo_router(), {.connections_per_address = 2});
  RawConnection first(server.port());
  {
    RawConnection second(server.port());
    for (auto* connection : {&first, &second}) {
      connection->send(kGet);
      connection->read_until("loopback=1");
    }
    RawConnection third(server.port());
    EXPECT_THAT(third.read_all(), StartsWith("HTTP/1.1 503 "));
    RawConnection elsewhere(server.port(), 0, "127.0.0.2");
    elsewhere.send(kGet);
    EXPECT_THAT(elsewhere.read_until("loopback=1"), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(status_soon(server, 200), 200) << "a connection that has ended counts no more";
}

TEST(Server, SlowBodyIsCutHoweverItTrickles) {
  LiveServer server(echo_router(), {.request_timeout = 100ms});
  RawConnection connection(server.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n");
  const auto began = std::chrono::steady_clock::now();
  while (!connection.closed_within(5ms)) {
    connection.send("x");
    ASSERT_LT(std::chrono::steady_clock::now() - began, 5s) << "each byte bought more time";
  }
}

TEST(Server, SlowClientsDelayNobodyElse) {
  LiveServer server(echo_router());
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server.port()));
    slow.back()->send("GET /echo HTTP/1.1\r\nX-Slow: ");
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(fetch(server.url(), {.target = "/echo"}, soon())->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
}

TEST(Server, HeaderMayArriveByteByByte) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  for (const char c : request) connection.send(std::string(1, c));
  EXPECT_THAT(connection.read_until("abcde"), StartsWith("HTTP/1.1 200 OK"));
}

TEST(Server, HeaderOfVeryManyFieldsIs431) {
  LiveServer server(echo_router(), {.header_bytes = 64 * 1024});
  RawConnection connection(server.port());
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "X-" + std::to_string(i) + ": 1\r\n";
  connection.send("GET /echo HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n");
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 431 "));
}

TEST(Server, EndlessLineOfAChunkIsRefused) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                  std::string(50'000, 'x'));
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 4"));
}

TEST(Server, BodyWhoseEndIsDoubtfulIsRefused) {
  LiveServer server(echo_router());
  for (const std::string fields :
       {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: +3\r\n", "Host: second\r\n"}) {
    RawConnection connection(server.port());
    connection.send("POST /echo HTTP/1.1\r\nHost: test\r\n" + fields + "\r\nabc");
    EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 400 ")) << fields;
  }
}

TEST(Server, ClientThatWaitsForLeaveToSendItsBodyGetsIt) {
  LiveServer server(echo_router(), {.body_bytes = 1000});
  RawConnection connection(server.port());
  connection.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(connection.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  connection.send("abc");
  EXPECT_THAT(connection.read_until("abc"), StartsWith("HTTP/1.1 200 OK"));
  connection.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n");
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 413 ")) << "a body that is too large need not be sent at all";
}

TEST(Server, ClientThatHasNothingMoreToSayGetsItsAnswer) {
  LiveServer server(echo_router());
  RawConnection connection(server.port());
  connection.send(kGet);
  connection.half_close();
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 200 OK"));
}

TEST(Server, PipelinedAnswersKeepTheirOrderBehindASlowOne) {
  Waiters waiters;
  LiveServer server(waiters.router());
  RawConnection connection(server.port());
  connection.send(std::string(kGet) + kWait + kLastGet);
  waiters.wait_for(1);
  waiters.answer(0, "waited");
  const std::string text = connection.read_all();
  const auto first = text.find("loopback=1");
  const auto slow = text.find("waited");
  ASSERT_NE(slow, std::string::npos);
  EXPECT_LT(first, slow);
  EXPECT_NE(text.find("loopback=1", slow), std::string::npos);
}

TEST(Server, PipelinedRequestsOfAClientThatDoesNotReadWaitForIt) {
  Router router;
  std::atomic<int> served = 0;
  router.get("/large", [&](const Request&) {
    ++served;
    return Response::text(std::string(1'000'000, 'x'));
  });
  LiveServer server(std::move(router));
  RawConnection connection(server.port(), 4096);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /large HTTP/1.1\r\nHost: test\r\n\r\n";
  connection.send(requests);
  while (served == 0) server.on_loop([] {});
  for (int i = 0; i < 100; ++i) server.on_loop([] {});
  EXPECT_LT(served, 20) << "the server holds answers that nobody reads";
}

TEST(Server, PutAndDeleteHaveHandlersOfTheirOwn) {
  Router router;
  router.put("/things/{name}", [](const Request& request) { return Response::text("put " + request.body); });
  router.del("/things/{name}",
             [](const Request& request) { return Response::text("deleted " + request.parameters.at("name")); });
  LiveServer server(std::move(router));
  EXPECT_EQ(fetch(server.url(), {.method = "PUT", .target = "/things/a", .body = "x"}, soon())->body, "put x");
  EXPECT_EQ(fetch(server.url(), {.method = "DELETE", .target = "/things/a"}, soon())->body, "deleted a");
}

TEST(Server, HeaderCannotBeSmuggledIntoAnAnswer) {
  Router router;
  router.get("/", [](const Request& request) {
    auto response = Response::text("ok");
    response.headers.emplace_back("X-Said", request.field("say").value_or(""));
    return response;
  });
  LiveServer server(std::move(router));
  const auto reply = fetch(server.url(), {.target = "/?say=a%0d%0aSet-Cookie:%20b=c"}, soon());
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_FALSE(reply->headers.contains("set-cookie"));
  EXPECT_EQ(reply->headers.at("x-said"), "aSet-Cookie: b=c");
}

TEST(Server, NothingOfARequestIsSeenByTheNext) {
  Router router;
  router.get("/what", [](const Request& request) {
    return Response::text(std::to_string(request.headers.size()) + request.header("authorization") +
                          request.field("user").value_or("") + request.body + "|");
  });
  LiveServer server(std::move(router));
  RawConnection connection(server.port());
  connection.send("GET /what?user=alice HTTP/1.1\r\nHost: a\r\nAuthorization: secret\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_THAT(connection.read_until("|"), HasSubstr("3secretalicebody|"));
  connection.send("GET /what HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(connection.read_until("|"), HasSubstr("\r\n\r\n1|"));
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
  for (bool asked = false; !asked;) server.on_loop([&] { asked = never_called != nullptr; });
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
