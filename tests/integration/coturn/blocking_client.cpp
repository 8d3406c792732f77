#include "blocking_client.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

namespace turnkeeper::test {
namespace {

using namespace std::chrono_literals;

socklen_t to_sockaddr(const turn::SocketAddress& to, sockaddr_storage& storage) {
  if (to.family() == turn::SocketAddress::Family::ipv4) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port());
    std::memcpy(&address.sin_addr, to.ip().data(), 4);
    return sizeof address;
  }
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(to.port());
  std::memcpy(&address.sin6_addr, to.ip().data(), 16);
  return sizeof address;
}

// From a port that was not used lately: coturn keeps a 5-tuple for a second after its allocation is gone, and answers
// 437.
int connected_socket(const turn::SocketAddress& to) {
  static std::uint16_t port = 20000;
  sockaddr_storage storage{};
  const socklen_t size = to_sockaddr(to, storage);
  const int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage local{};
  local.ss_family = storage.ss_family;
  do {
    port = port == 29999 ? 20000 : port + 1;
    reinterpret_cast<sockaddr_in&>(local).sin_port = htons(port);  // at the same place in sockaddr_in6
  } while (bind(fd, reinterpret_cast<sockaddr*>(&local), size) != 0 && errno == EADDRINUSE);
  if (connect(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) std::abort();
  return fd;
}

std::string text_of(const turn::Failure& failure) {
  if (failure.kind == turn::Failure::Kind::timeout) return "timeout";
  return std::to_string(failure.code) + " " + failure.reason;
}

}  // namespace

BlockingClient::BlockingClient(const std::string& relay, const turn::Credential& credential)
    : client_({.username = credential.username,
               .password = credential.password,
               .retransmission = {.rto = 200ms, .max_requests = 5, .last_wait = 4}}),
      fd_(connected_socket(turn::SocketAddress::parse(relay).value())) {}

BlockingClient::~BlockingClient() {
  if (client_.needs_release()) release();
  close(fd_);
}

std::string BlockingClient::binding() {
  client_.binding(real_clock().steady());
  return finish(turn::Operation::binding);
}

std::string BlockingClient::allocate() {
  client_.allocate(real_clock().steady());
  return finish(turn::Operation::allocate);
}

std::string BlockingClient::bind_channel(const turn::SocketAddress& peer) {
  channel_ = client_.bind_channel(peer, real_clock().steady());
  return finish(turn::Operation::channel_bind);
}

std::string BlockingClient::refresh() {
  client_.refresh(real_clock().steady());
  return finish(turn::Operation::refresh);
}

std::string BlockingClient::release() {
  client_.release(real_clock().steady());
  return finish(turn::Operation::release);
}

bool BlockingClient::echo(const std::string& payload) {
  std::array<std::uint8_t, 1500> buffer{};
  const auto data = turn::encode_channel_data(buffer, channel_,
                                              {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
  received_.clear();
  if (send(fd_, data.data(), data.size(), 0) < 0) return false;
  const SteadyTime until = real_clock().steady() + 2s;
  while (received_ != payload && real_clock().steady() < until) receive_until(until);
  return received_ == payload;
}

void BlockingClient::flush() {
  while (auto datagram = client_.poll_transmit()) {
    // A refusal of an earlier datagram shows up here; the retransmission that follows is what counts.
    [[maybe_unused]] const auto sent = send(fd_, datagram->data(), datagram->size(), 0);
  }
}

void BlockingClient::receive_until(SteadyTime until) {
  flush();
  until = std::min(until, client_.next_timeout().value_or(until));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - real_clock().steady()).count();
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) > 0) {
    std::array<std::uint8_t, 2048> datagram{};
    const auto size = recv(fd_, datagram.data(), datagram.size(), 0);
    if (size > 0) {
      const auto data = client_.receive({datagram.data(), static_cast<std::size_t>(size)}, real_clock().steady());
      if (data) received_.assign(data->payload.begin(), data->payload.end());
    }
  }
  client_.on_time(real_clock().steady());
}

std::string BlockingClient::finish(turn::Operation operation) {
  const SteadyTime until = real_clock().steady() + 20s;
  while (real_clock().steady() < until) {
    while (auto event = client_.poll_event()) {
      if (const auto* failure = std::get_if<turn::Failure>(&*event)) {
        if (failure->operation == operation) return text_of(*failure);
        continue;
      }
      if (const auto* allocated = std::get_if<turn::Allocated>(&*event)) relayed_ = allocated->relayed;
      return "";
    }
    receive_until(until);
  }
  return "timeout";
}

std::string try_allocation(const std::string& relay, const Secret& secret, const std::string& user) {
  BlockingClient client(relay, turn::time_limited_credential(secret, user, real_clock().system() + 1h));
  return client.allocate();
}

bool wait_until_listening(const std::string& relay, std::chrono::seconds patience) {
  const SteadyTime until = real_clock().steady() + patience;
  while (real_clock().steady() < until) {
    if (BlockingClient(relay, {}).binding().empty()) return true;
  }
  return false;
}

bool wait_until_connected(const std::string& address, std::uint16_t port, std::chrono::seconds patience) {
  const auto server = turn::SocketAddress::from_ip(address, port).value();
  const SteadyTime until = real_clock().steady() + patience;
  bool connected = false;
  while (!connected && real_clock().steady() < until) {
    sockaddr_storage to{};
    const socklen_t size = to_sockaddr(server, to);
    const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connected = connect(fd, reinterpret_cast<sockaddr*>(&to), size) == 0;
    close(fd);
    if (!connected) std::this_thread::sleep_for(20ms);
  }
  return connected;
}

}  // namespace turnkeeper::test
