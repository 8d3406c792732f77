// The transport against a server of plain sockets on loopback.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// Serves its connections one after another, each with the same function; gone with the object.
class SocketServer {
 public:
  using Serve = std::function<void(int)>;
  explicit SocketServer(Serve serve) : serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      while (true) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) return;
        serve_(connection);
        ::close(connection);
      }
    });
  }
  ~SocketServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // The request's head and, by its Content-Length, its body.
  static std::string read_request(int connection) {
    std::string text;
    std::array<char, 4096> buffer{};
    while (true) {
      if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) {
        const auto header = text.find("Content-Length:");
        const std::size_t length = header < end ? std::stoul(text.substr(header + 15)) : 0;
        if (text.size() >= end + 4 + length) return text;
      }
      const ssize_t count = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (count <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
  }
  static void write(int connection, const std::string& text) {
    ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }
  static void wait_for_close(int connection) {
    char byte = 0;
    while (::recv(connection, &byte, 1, 0) > 0) {
    }
  }

 private:
  Serve serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

constexpr const char* chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::shared_ptr<Transport> to(const std::string& url, const std::string& token = "") {
  Config config;
  config.server = url;
  config.token = Secret(token);
  auto transport = connect(config, real_clock());
  EXPECT_TRUE(transport);
  return *transport;
}

Deadline soon(std::chrono::nanoseconds budget = 20s) {
  return Deadline::after(real_clock(), budget);
}

TEST(Transport, SendsAndReturnsWhateverTheStatus) {
  std::string seen;
  SocketServer server([&](int connection) {
    seen = SocketServer::read_request(connection);
    SocketServer::write(connection,
                        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy");
  });
  auto response =
      to(server.url(), "abc")
          ->send({"PATCH", "/apis/x?fieldManager=m", "application/apply-patch+yaml", "{\"a\":1}"}, soon(), {});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 429);
  EXPECT_EQ(response->body, "busy");
  EXPECT_EQ(response->retry_after, 7s);
  EXPECT_THAT(seen, HasSubstr("PATCH /apis/x?fieldManager=m HTTP/1.1"));
  EXPECT_THAT(seen, HasSubstr("Authorization: Bearer abc"));
  EXPECT_THAT(seen, HasSubstr("application/apply-patch+yaml"));
  EXPECT_THAT(seen, HasSubstr("{\"a\":1}"));
}

TEST(Transport, ARefusedConnectionIsOneClearLine) {
  std::string url;
  {
    SocketServer gone([](int) {});
    url = gone.url();
  }
  auto response = to(url)->send({"GET", "/version", {}, {}}, soon(), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::unreachable);
  EXPECT_THAT(response.error().text(), HasSubstr("cannot reach the API server " + url));
  EXPECT_THAT(response.error().text(), Not(HasSubstr("\n")));
  EXPECT_FALSE(response.error().advice.empty());
}

TEST(Transport, AnAnswerThatDoesNotComeEndsAtTheDeadline) {
  SocketServer server([](int connection) { SocketServer::wait_for_close(connection); });
  const SteadyTime begin = real_clock().steady();
  auto response = to(server.url())->send({"GET", "/", {}, {}}, soon(200ms), {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::unreachable);
  EXPECT_LT(real_clock().steady() - begin, 5s);
}

TEST(Transport, AWatchGivesBytesAsTheyComeAndItsProperEnd) {
  SocketServer server([](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, chunked);
    SocketServer::write(connection, "3\r\none\r\n");
    SocketServer::write(connection, "4\r\ntwo\n\r\n");
    SocketServer::write(connection, "0\r\n\r\n");
  });
  auto opened = to(server.url())->open({"GET", "/watch", {}, {}}, 30s, {});
  ASSERT_TRUE(opened) << opened.error().text();
  ASSERT_TRUE(opened->stream);
  std::string text;
  while (true) {
    auto bytes = opened->stream->read();
    ASSERT_TRUE(bytes) << bytes.error().text();
    if (bytes->empty()) break;
    text += *bytes;
  }
  EXPECT_EQ(text, "onetwo\n");
}

TEST(Transport, ACutWatchIsAnErrorNotAnEnd) {
  SocketServer server([](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, chunked);
    SocketServer::write(connection, "3\r\none\r\n10\r\nhal");
  });
  auto opened = to(server.url())->open({"GET", "/watch", {}, {}}, 30s, {});
  ASSERT_TRUE(opened);
  std::string text;
  while (true) {
    auto bytes = opened->stream->read();
    if (!bytes) {
      EXPECT_EQ(bytes.error().kind, ErrorKind::unreachable);
      break;
    }
    ASSERT_FALSE(bytes->empty()) << "a cut stream must not look like a proper end";
    text += *bytes;
  }
  EXPECT_THAT(text, ::testing::StartsWith("one"));
}

TEST(Transport, StopEndsASilentWatchAtOnce) {
  std::stop_source stop;
  SocketServer server([&](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, chunked);
    SocketServer::write(connection, "3\r\none\r\n");
    SocketServer::wait_for_close(connection);
  });
  auto opened = to(server.url())->open({"GET", "/watch", {}, {}}, 600s, stop.get_token());
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->stream->read());
  std::thread stopper([&] { stop.request_stop(); });
  const SteadyTime begin = real_clock().steady();
  auto bytes = opened->stream->read();
  stopper.join();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::cancelled);
  EXPECT_LT(real_clock().steady() - begin, 2s);
}

// How long after the last byte the kernel knows that the other side of that connection is gone without a word.
std::chrono::seconds time_to_miss_a_server_at(std::uint16_t port) {
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || ntohs(peer.sin_port) != port)
      continue;
    const auto option = [descriptor](int name) {
      int value = 0;
      socklen_t length = sizeof value;
      EXPECT_EQ(::getsockopt(descriptor, IPPROTO_TCP, name, &value, &length), 0);
      return value;
    };
    return std::chrono::seconds(option(TCP_KEEPIDLE) + option(TCP_KEEPINTVL) * option(TCP_KEEPCNT));
  }
  ADD_FAILURE() << "there is no connection to port " << port;
  return {};
}

TEST(Transport, AWatchWhoseServerIsGoneWithoutAWordIsMissedInAMinute) {
  SocketServer server([](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, chunked);
    SocketServer::write(connection, "3\r\none\r\n");
    SocketServer::wait_for_close(connection);
  });
  const auto opened = to(server.url())->open({"GET", "/watch", {}, {}}, 600s, {});
  ASSERT_TRUE(opened);
  EXPECT_LE(time_to_miss_a_server_at(server.port()), 60s)
      << "after a network was cut, what is planned rests on what it was ten minutes ago";
}

TEST(Transport, ADroppedWatchClosesItsConnection) {
  SocketServer server([](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, chunked);
    SocketServer::write(connection, "3\r\none\r\n");
    SocketServer::wait_for_close(connection);  // the server's destructor would hang otherwise
  });
  auto transport = to(server.url());
  auto opened = transport->open({"GET", "/watch", {}, {}}, 600s, {});
  ASSERT_TRUE(opened);
  opened->stream.reset();
}

TEST(Transport, ARefusedWatchKeepsItsReason) {
  SocketServer server([](int connection) {
    SocketServer::read_request(connection);
    SocketServer::write(connection, "HTTP/1.1 410 Gone\r\nContent-Length: 6\r\n\r\ntoo old");
  });
  auto opened = to(server.url())->open({"GET", "/watch", {}, {}}, 30s, {});
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->stream);
  EXPECT_EQ(opened->response.status, 410);
  EXPECT_EQ(opened->response.body, "too ol");
}

TEST(Transport, CertificatesThatAreNoneAreFoundBeforeAnyRequest) {
  Config config;
  config.server = "https://127.0.0.1:1";
  config.ca_pem = "not a certificate";
  config.source = "kubeconfig";
  auto transport = connect(config, real_clock());
  ASSERT_FALSE(transport);
  EXPECT_THAT(transport.error().text(), HasSubstr("the certificates of kubeconfig cannot be used"));
}

}  // namespace
}  // namespace turnkeeper::kube
