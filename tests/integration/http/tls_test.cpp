// HTTPS, seen by a client of OpenSSL's own.
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>

#include "live_server.hpp"
#include "tests/support/certificates.hpp"

namespace turnkeeper::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsClient {
 public:
  TlsClient(std::uint16_t port, const std::string& authority, int least = TLS1_2_VERSION, int most = TLS1_3_VERSION)
      : socket_(io_) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_load_verify_locations(context_.get(), authority.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), least);
    SSL_CTX_set_max_proto_version(context_.get(), most);
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    ssl_.reset(SSL_new(context_.get()));
    SSL_set1_host(ssl_.get(), "turn.example.org");
    SSL_set_fd(ssl_.get(), socket_.native_handle());
  }
  bool handshake() { return SSL_connect(ssl_.get()) == 1; }
  void send(const std::string& text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }
  std::string read_until(const std::string& end) {
    std::string text;
    std::array<char, 65536> chunk{};
    while (text.find(end) == std::string::npos) {
      const int got = SSL_read(ssl_.get(), chunk.data(), chunk.size());
      if (got <= 0) break;
      text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  // The serial number of what the server showed.
  std::string serial() {
    std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    const ASN1_INTEGER* number = X509_get0_serialNumber(certificate.get());
    return {reinterpret_cast<const char*>(number->data), static_cast<std::size_t>(number->length)};
  }

 private:
  boost::asio::io_context io_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
};

constexpr const char* kGet = "GET /size?n=5 HTTP/1.1\r\nHost: test\r\n\r\n";

class Https : public ::testing::Test {
 protected:
  Https() {
    std::string name = (std::filesystem::temp_directory_path() / "turnkeeper-https-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    authority_ = std::make_unique<testbed::Authority>(directory_);
    files_ = {directory_ + "/served.crt", directory_ + "/served.key"};
    issue();
  }
  ~Https() override { std::filesystem::remove_all(directory_); }

  void put(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(to + ".new", to);
  }
  void issue() {
    const auto made = authority_->issue({.names = {"turn.example.org"}});
    put(made.certificate, files_.certificate);
    put(made.key, files_.key);
  }
  static Router router() {
    Router router;
    router.get("/size", [](const Request& request) {
      return Response::text(std::string(std::stoul(request.field("n").value_or("1")), 'x') + "END");
    });
    router.events("/events", [](const Request&, const std::shared_ptr<EventStream>& stream) {
      stream->send({.name = "config", .id = "1", .data = "secret"});
      return std::nullopt;
    });
    return router;
  }
  std::unique_ptr<LiveServer> serve(Limits limits = {}) {
    return std::make_unique<LiveServer>(router(), limits, "127.0.0.1:0", files_);
  }
  std::string serial_now(const LiveServer& server) {
    TlsClient client(server.port(), authority_->file());
    return client.handshake() ? client.serial() : "";
  }

  std::string directory_;
  std::unique_ptr<testbed::Authority> authority_;
  TlsFiles files_;
};

TEST_F(Https, AnswersRequestsOfOneConnectionAndStreams) {
  const auto server = serve();
  TlsClient client(server->port(), authority_->file());
  ASSERT_TRUE(client.handshake());
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    EXPECT_THAT(client.read_until("xxxxxEND"), StartsWith("HTTP/1.1 200 OK"));
  }
  client.send(std::string(kGet) + "GET /size?n=7 HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_THAT(client.read_until("xxxxxxxEND"), HasSubstr("\r\n\r\nxxxxxEND")) << "pipelined";
  client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_THAT(client.read_until("secret"), HasSubstr("event: config"));
}

TEST_F(Https, AnswerLargerThanTheSocketTakesArrivesWhole) {
  const auto server = serve();
  TlsClient client(server->port(), authority_->file());
  ASSERT_TRUE(client.handshake());
  client.send("GET /size?n=8000000 HTTP/1.1\r\nHost: test\r\n\r\n");
  const std::string text = client.read_until("END");
  EXPECT_GT(text.size(), 8'000'000u);
  client.send(kGet);
  EXPECT_THAT(client.read_until("xxxxxEND"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(Https, RenewedCertificateServesNewConnectionsAndOldOnesGoOn) {
  const auto server = serve({.certificate_check = 20ms});
  TlsClient old(server->port(), authority_->file());
  ASSERT_TRUE(old.handshake());
  const std::string before = old.serial();
  issue();
  const Deadline deadline = soon();
  std::string now = before;
  while (now == before && !deadline.expired(real_clock())) now = serial_now(*server);
  EXPECT_NE(now, before);
  EXPECT_NE(now, "");
  old.send(kGet);
  EXPECT_THAT(old.read_until("END"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(Https, CertificateWithoutItsKeyIsNotServed) {
  const auto server = serve({.certificate_check = 10ms});
  const std::string before = serial_now(*server);
  const auto other = authority_->issue({.names = {"turn.example.org"}});
  put(other.certificate, files_.certificate);  // and the key a moment later
  const auto several_checks = Deadline::after(real_clock(), 100ms);
  while (!several_checks.expired(real_clock())) ASSERT_EQ(serial_now(*server), before);
  put(other.key, files_.key);
  const Deadline deadline = soon();
  while (serial_now(*server) == before && !deadline.expired(real_clock())) {
  }
  EXPECT_NE(serial_now(*server), before);
}

TEST_F(Https, UnusableFilesAreSaidAtTheStart) {
  boost::asio::io_context io;
  const auto missing = Server::listen(io, "127.0.0.1:0", router(), {}, TlsFiles{directory_ + "/none", files_.key});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("/none"));
  const auto other = authority_->issue({.names = {"other.example.org"}});
  EXPECT_FALSE(Server::listen(io, "127.0.0.1:0", router(), {}, TlsFiles{files_.certificate, other.key}));
}

TEST_F(Https, WhoDoesNotSpeakTlsIsCutAndTheServerLivesOn) {
  const auto server = serve({.request_timeout = 100ms});
  RawConnection plain(server->port());
  plain.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(plain.read_all().find("HTTP/1.1 200"), std::string::npos);
  RawConnection silent(server->port());
  EXPECT_EQ(silent.read_all(), "");
  RawConnection half(server->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_EQ(half.read_all(), "");
  EXPECT_NE(serial_now(*server), "");
}

TEST_F(Https, VersionsBefore12AreRefused) {
  const auto server = serve();
  TlsClient old(server->port(), authority_->file(), TLS1_VERSION, TLS1_1_VERSION);
  EXPECT_FALSE(old.handshake());
}

}  // namespace
}  // namespace turnkeeper::http
