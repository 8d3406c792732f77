#include "live_relay.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/coturn/allocations.hpp"
#include "turnkeeper/coturn/deny_list.hpp"
#include "turnkeeper/coturn/peer_ip.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

constexpr const char* secret = "north";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool answers_binding(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto request =
      turn::MessageBuilder(turn::Method::binding, turn::MessageClass::request, turn::random_transaction_id()).finish();
  char answer[512];
  const bool answered = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                        send(fd, request.data(), request.size(), 0) > 0 && recv(fd, answer, sizeof answer, 0) > 0;
  close(fd);
  return answered;
}

// Whether a datagram to the port is taken rather than refused.
bool has_udp_socket(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  char byte = 0;
  const bool taken = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
  close(fd);
  return taken;
}

// Nobody has it, over UDP or TCP, and the kernel gives it to no client: it is below the ephemeral ports.
std::uint16_t free_port() {
  for (;;) {
    const auto port = static_cast<std::uint16_t>(10'000 + static_cast<int>(random_unit() * 10'000));
    bool free = true;
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
      const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
      const auto address = loopback(port);
      free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && free;
      close(fd);
    }
    if (free) return port;
  }
}

}  // namespace

std::uint16_t free_udp_port() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

LiveRelay::LiveRelay(const Options& options)
    : port_(free_port()), tls_port_(free_port()), serves_tls_(options.tls), program_(options.program) {
  // Below the kernel's ephemeral ports, so that no other program's socket is in the range by chance.
  ports_.relay_min = static_cast<std::uint16_t>(20'000 + static_cast<int>(random_unit() * 12'000));
  ports_.relay_max = static_cast<std::uint16_t>(ports_.relay_min + options.relayed_ports - 1);
  ports_.turn = port_;

  std::string pattern = (std::filesystem::temp_directory_path() / "turnkeeper-relay-XXXXXX").string();
  directory_ = mkdtemp(pattern.data());
  std::ofstream config(directory_ + "/turnserver.conf");
  config << "listening-ip=" << host_ << "\nlistening-port=" << port_ << "\nrelay-ip=" << host_
         << "\nmin-port=" << ports_.relay_min << "\nmax-port=" << ports_.relay_max << "\nrealm=example.org"
         << "\nuse-auth-secret\nuserdb=" << database() << "\npidfile=" << directory_
         << "/pid\nlog-file=stdout\nno-cli\nallow-loopback-peers\n"
         << (options.allow_own_address ? "" : "denied-peer-ip=127.0.0.0-127.255.255.255\n") << options.extra_config
         << "\n";
  if (options.tls) {
    config << "tls-listening-port=" << tls_port_ << "\ncert=" << options.tls->certificate
           << "\npkey=" << options.tls->key << (program_ == newest ? "\ndtls\n" : "\n");  // off by default by now
  } else {
    config << "no-tls\nno-dtls\n";
  }
  if (options.deny_special_peers) {
    for (const auto& range : coturn::special_ranges()) {
      for (const auto& value : coturn::peer_ip_values(*parse_range(range.cidr))) {
        config << "denied-peer-ip=" << value << "\n";
      }
    }
    config << "allowed-peer-ip=127.0.0.1\n";
  }
  if (options.secret_in_database) {
    auto opened = coturn::TurnDb::open(database());
    EXPECT_TRUE(opened && opened->sync_secrets("example.org", {Secret(secret)}));
    if (opened) database_.emplace(std::move(*opened));
  } else {
    config << "static-auth-secret=" << secret << "\n";
  }
  config.close();
  start();
}

LiveRelay::~LiveRelay() {
  process_.reset();  // kills
  std::filesystem::remove_all(directory_);
}

void LiveRelay::start() {
  ChildProcess::Options options;
  options.argv = {program_, "-c", directory_ + "/turnserver.conf"};
  options.working_directory = directory_;
  options.log_path = directory_ + "/log";
  auto process = ChildProcess::start(options);
  ASSERT_TRUE(process) << process.error().text();
  process_ = std::move(*process);
  const Deadline deadline = Deadline::after(real_clock(), 60s);
  while (!answers_binding(port_) || (serves_tls_ && !has_udp_socket(tls_port_))) {
    ASSERT_FALSE(process_->poll()) << "turnserver ended: " << std::ifstream(directory_ + "/log").rdbuf();
    ASSERT_FALSE(deadline.expired(real_clock())) << "turnserver does not answer";
    std::this_thread::sleep_for(10ms);
  }
}

void LiveRelay::kill() {
  process_->signal(SIGKILL);
  EXPECT_TRUE(process_->wait(Deadline::after(real_clock(), 10s)));
}

void LiveRelay::signal(int number) {
  process_->signal(number);
}

bool LiveRelay::ended() {
  return process_->poll().has_value();
}

void LiveRelay::set_secrets(const std::vector<Secret>& secrets) {
  ASSERT_TRUE(database_->sync_secrets("example.org", secrets));
}

turn::Credential LiveRelay::credential(std::chrono::seconds ttl) const {
  return turn::time_limited_credential(Secret(secret), "test", real_clock().system() + ttl);
}

turn::Endpoint LiveRelay::endpoint(turn::Protocol protocol) const {
  const bool secure = protocol == turn::Protocol::tls || protocol == turn::Protocol::dtls;
  return {protocol, *turn::SocketAddress::from_ip(host_, secure ? tls_port_ : port_)};
}

int LiveRelay::wait_for_allocations(int count) const {
  const Deadline deadline = Deadline::after(real_clock(), 2s);
  for (;;) {
    const auto live = coturn::live_allocations(process_->pid(), ports_);
    if (!live) {
      ADD_FAILURE() << live.error().text();
      return -1;
    }
    if (*live == count || deadline.expired(real_clock())) return *live;
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace turnkeeper::monitor
