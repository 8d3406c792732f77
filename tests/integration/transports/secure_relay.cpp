#include "secure_relay.hpp"

#include <gtest/gtest.h>

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/testbed.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr const char* secret = "north";
constexpr int relayed_ports = 100;

bool listens(const SocketAddress& address) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({asio::ip::make_address(address.ip_string()), address.port()}, error);
  return !error;
}

bool answers_binding(const SocketAddress& address) {
  asio::io_context io;
  const asio::ip::udp::endpoint to(asio::ip::make_address(address.ip_string()), address.port());
  asio::ip::udp::socket socket(io, to.protocol());
  const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
  setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  socket.connect(to);
  const auto request = MessageBuilder(Method::binding, MessageClass::request, random_transaction_id()).finish();
  char answer[512];
  return send(socket.native_handle(), request.data(), request.size(), 0) > 0 &&
         recv(socket.native_handle(), answer, sizeof answer, 0) > 0;
}

// Column 2 of /proc/net/udp: relayed ports are below all that the kernel would choose, so nobody else has it.
bool is_bound(std::uint16_t wanted) {
  for (const char* table : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream lines(table);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream columns(line);
      std::string number;
      std::string local;
      columns >> number >> local;
      if (std::stoi(local.substr(local.find(':') + 1), nullptr, 16) == wanted) return true;
    }
  }
  return false;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : path_(testing::TempDir() + "turnkeeper-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) std::abort();
}

TemporaryDirectory::~TemporaryDirectory() {
  std::filesystem::remove_all(path_);
}

std::uint16_t free_port() {
  asio::io_context io;
  for (;;) {
    // IPv6 sockets that are not bound to IPv6 only take the port for IPv4 too.
    const asio::ip::tcp::acceptor tcp(io, {asio::ip::tcp::v6(), 0}, false);
    const auto port = tcp.local_endpoint().port();
    boost::system::error_code error;
    asio::ip::udp::socket udp(io, asio::ip::udp::v6());
    udp.bind({asio::ip::udp::v6(), port}, error);
    if (!error) return port;
  }
}

SecureRelay::SecureRelay(const std::string& version, const testbed::Authority::Files& files)
    : port_(free_port()), tls_port_(free_port()) {
  // Below the kernel's ephemeral ports, so that no other program's socket is in the range by chance.
  const int first_relayed = 20'000 + static_cast<int>(random_unit() * 12'000);
  std::ofstream(directory_.path() + "/turnserver.conf")
      << "listening-ip=127.0.0.1\nlistening-ip=::1\nrelay-ip=127.0.0.1\nrelay-ip=::1\nlistening-port=" << port_
      << "\ntls-listening-port=" << tls_port_ << "\nmin-port=" << first_relayed
      << "\nmax-port=" << first_relayed + relayed_ports - 1 << "\nrealm=example.org\nuse-auth-secret\n"
      << "static-auth-secret=" << secret << "\nuserdb=" << directory_.path() << "/turndb\npidfile=" << directory_.path()
      << "/pid\nlog-file=stdout\nno-cli\nno-rfc5780\nallow-loopback-peers\ncert=" << files.certificate
      << "\npkey=" << files.key << (version == "4.6.1" ? "" : "\ndtls")
      << "\n";  // on by default until it was off by default
  auto process =
      ChildProcess::start({.argv = {testbed::turnserver(version), "-c", directory_.path() + "/turnserver.conf"},
                           .working_directory = directory_.path(),
                           .log_path = directory_.path() + "/log"});
  if (!process) {
    ADD_FAILURE() << process.error().text();
    return;
  }
  process_ = std::move(*process);
  const auto deadline = Deadline::after(real_clock(), 60s);
  for (const auto protocol : {Protocol::udp, Protocol::tls}) {
    for (const auto family : {SocketAddress::Family::ipv4, SocketAddress::Family::ipv6}) {
      const auto address = endpoint(protocol, family).address;
      while (!listens(address) || !answers_binding(address)) {
        if (process_->poll() || deadline.expired(real_clock())) {
          ADD_FAILURE() << "turnserver does not listen: " << std::ifstream(directory_.path() + "/log").rdbuf();
          return;
        }
        std::this_thread::sleep_for(10ms);
      }
    }
  }
}

SecureRelay::~SecureRelay() {
  process_.reset();
}

Endpoint SecureRelay::endpoint(Protocol protocol, SocketAddress::Family family) const {
  const bool secure = protocol == Protocol::tls || protocol == Protocol::dtls;
  const char* ip = family == SocketAddress::Family::ipv4 ? "127.0.0.1" : "::1";
  return {protocol, *SocketAddress::from_ip(ip, secure ? tls_port_ : port_)};
}

Credential SecureRelay::credential() const {
  return time_limited_credential(Secret(secret), "test", real_clock().system() + 1h);
}

bool SecureRelay::holds(std::uint16_t relayed_port, bool expected) const {
  const auto deadline = Deadline::after(real_clock(), 3s);
  while (is_bound(relayed_port) != expected && !deadline.expired(real_clock())) std::this_thread::sleep_for(10ms);
  return is_bound(relayed_port);
}

}  // namespace turnkeeper::turn::test
