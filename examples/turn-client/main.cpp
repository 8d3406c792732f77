// Makes one allocation on a TURN server, sends a datagram through it to itself and gives the allocation back.
//
//   turn-client turns:turn.example.org?transport=tcp USER PASSWORD-FILE [CA-FILE]
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/resolve.hpp"
#include "turnkeeper/turn/session.hpp"

using namespace turnkeeper;
using namespace std::chrono_literals;

namespace {

class Echo {
 public:
  Echo(boost::asio::io_context& io, turn::Uri uri, turn::ClientConfig config, std::shared_ptr<turn::TlsContext> tls)
      : io_(io), uri_(std::move(uri)), config_(std::move(config)), tls_(std::move(tls)), resolver_(io.get_executor()) {}

  void begin() {
    resolver_.resolve(uri_, deadline_, [this](Result<std::vector<turn::Endpoint>> endpoints) {
      if (!endpoints) return fail(endpoints.error().text());
      connect(endpoints->front());
    });
  }
  [[nodiscard]] bool heard() const { return heard_; }

 private:
  void connect(const turn::Endpoint& endpoint) {
    std::cout << "server   " << endpoint.to_string() << '\n';
    turn::connect(io_.get_executor(), endpoint, {.tls = tls_, .server_name = uri_.host, .deadline = deadline_},
                  [this](tl::expected<turn::Connection, turn::ConnectFailure> connection) {
                    if (!connection) return fail(connection.error().detail);
                    if (connection->certificate) {
                      std::cout << "TLS      " << connection->tls_version << ", certificate until "
                                << rfc3339(connection->certificate->not_after) << '\n';
                    }
                    allocate(std::move(connection->transport));
                  });
  }

  void allocate(std::unique_ptr<turn::Transport> transport) {
    session_ = std::make_unique<turn::Session>(
        io_.get_executor(), real_clock(), std::move(transport), config_,
        turn::Session::Handlers{
            .on_event = [this](const turn::Event& event) { std::visit([this](const auto& e) { on(e); }, event); },
            .on_data =
                [this](std::uint16_t, turn::Bytes payload) {
                  on_data({payload.begin(), payload.end()});
                },
            .on_unreachable = [this](const turn::PathFailure& failure) { fail(failure.reason); }});
    session_->allocate();
  }

  void on(const turn::Allocated& allocated) {
    std::cout << "relayed  " << allocated.relayed.to_string() << " for " << allocated.lifetime.count() << " s\n";
    channel_ = session_->bind_channel(allocated.relayed);
  }
  void on(const turn::ChannelBound&) {
    static constexpr std::string_view text = "hello";
    session_->send(channel_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void on_data(const std::string& payload) {
    std::cout << "heard    " << payload << '\n';
    heard_ = true;
    session_->release();
  }
  void on(const turn::Released&) { io_.stop(); }
  void on(const turn::Failure& failure) {
    fail(std::string(operation_name(failure.operation)) + ": " + std::to_string(failure.code) + " " + failure.reason);
  }
  void on(const turn::Refreshed&) {}
  void on(const turn::BindingAnswered&) {}

  void fail(const std::string& why) {
    std::cerr << "turn-client: " << why << '\n';
    io_.stop();
  }

  boost::asio::io_context& io_;
  turn::Uri uri_;
  turn::ClientConfig config_;
  std::shared_ptr<turn::TlsContext> tls_;
  turn::Resolver resolver_;
  Deadline deadline_ = Deadline::after(real_clock(), 5s);
  std::unique_ptr<turn::Session> session_;
  std::uint16_t channel_ = 0;
  bool heard_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "Usage: turn-client URI USER PASSWORD-FILE [CA-FILE]\n";
    return 2;
  }
  const auto uri = turn::Uri::parse(argv[1]);
  const auto password = Secret::from_file(argv[3]);
  const auto tls = turn::make_tls_context({.ca_file = argc > 4 ? argv[4] : ""});
  for (const auto* error :
       {uri ? nullptr : &uri.error(), password ? nullptr : &password.error(), tls ? nullptr : &tls.error()}) {
    if (error == nullptr) continue;
    std::cerr << "turn-client: " << error->text() << '\n';
    return 2;
  }
  boost::asio::io_context io;
  Echo echo(io, *uri, {.username = argv[2], .password = *password}, *tls);
  echo.begin();
  io.run_for(10s);
  return echo.heard() ? 0 : 1;
}
