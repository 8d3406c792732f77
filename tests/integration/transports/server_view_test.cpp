// What a server sees of a TLS client: the name and protocol that it asks for, and a connection that is ended properly.
#include <gtest/gtest.h>

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include "secure_relay.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::turn::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class TlsServer {
 public:
  TlsServer(asio::io_context& io, const testbed::Authority::Files& files)
      : context_(asio::ssl::context::tls_server), acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
    context_.use_certificate_file(files.certificate, asio::ssl::context::pem);
    context_.use_private_key_file(files.key, asio::ssl::context::pem);
    SSL_CTX_set_alpn_select_cb(context_.native_handle(), &TlsServer::choose, this);
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      stream_.emplace(std::move(socket), context_);
      stream_->async_handshake(asio::ssl::stream_base::server, [this](const error_code& failed) {
        if (failed) return;
        const char* name = SSL_get_servername(stream_->native_handle(), TLSEXT_NAMETYPE_host_name);
        server_name = name != nullptr ? name : "";
        read();
      });
    });
  }
  [[nodiscard]] Endpoint endpoint() const {
    return {Protocol::tls, *SocketAddress::from_ip("127.0.0.1", acceptor_.local_endpoint().port())};
  }

  std::optional<std::string> server_name;
  std::string offered;               // ALPN, as on the wire
  std::string received;              // plaintext
  std::optional<error_code> ending;  // how the client's side ended

 private:
  static int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size,
                    void* self) {
    static_cast<TlsServer*>(self)->offered.assign(reinterpret_cast<const char*>(in), in_size);
    *out = in + 1;
    *size = in[0];
    return SSL_TLSEXT_ERR_OK;
  }
  void read() {
    stream_->async_read_some(asio::buffer(buffer_), [this](const error_code& error, std::size_t size) {
      if (error) {
        ending = error;
        return;
      }
      received.append(buffer_.data(), size);
      read();
    });
  }

  asio::ssl::context context_;
  tcp::acceptor acceptor_;
  std::optional<asio::ssl::stream<tcp::socket>> stream_;
  std::array<char, 4096> buffer_;
};

class ServerView : public testing::Test {
 protected:
  std::unique_ptr<Transport> connect_as(const std::string& name) {
    auto outcome = connect_and_wait(io_, server_.endpoint(), {.tls = tls_, .server_name = name});
    if (!outcome || !*outcome) {
      ADD_FAILURE() << (outcome ? (*outcome).error().detail : "no outcome");
      return nullptr;
    }
    EXPECT_EQ((*outcome)->alpn, "stun.turn");
    (*outcome)->transport->start({.on_message = [](Bytes) {}, .on_unreachable = [](const PathFailure&) {}});
    return std::move((*outcome)->transport);
  }

  asio::io_context io_;
  TemporaryDirectory directory_;
  testbed::Authority authority_{directory_.path()};
  TlsServer server_{io_, authority_.issue({.names = {"turn.example.org"}, .addresses = {"127.0.0.1"}})};
  std::shared_ptr<TlsContext> tls_ = make_tls_context({.ca_file = authority_.file()}).value();
};

TEST_F(ServerView, NameAndProtocolAreAskedFor) {
  const auto transport = connect_as("turn.example.org.");
  ASSERT_TRUE(run_until(io_, [&] { return server_.server_name.has_value(); }));
  EXPECT_EQ(server_.server_name, "turn.example.org");
  EXPECT_EQ(server_.offered, "\x09stun.turn");
}

TEST_F(ServerView, AddressIsNotSentAsAName) {
  const auto transport = connect_as("127.0.0.1");
  ASSERT_TRUE(run_until(io_, [&] { return server_.server_name.has_value(); }));
  EXPECT_EQ(server_.server_name, "");
}

TEST_F(ServerView, WhatWasSentLastArrivesAndTheEndIsSaid) {
  const auto message = MessageBuilder(Method::refresh, MessageClass::request, random_transaction_id()).finish();
  connect_as("turn.example.org")->send(message);  // and is destroyed
  ASSERT_TRUE(run_until(io_, [&] { return server_.ending.has_value(); }));
  EXPECT_EQ(server_.received, std::string(message.begin(), message.end()));
  EXPECT_EQ(*server_.ending, asio::error::eof) << "cut off without close_notify";
}

}  // namespace
}  // namespace turnkeeper::turn::test
