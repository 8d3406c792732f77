#include "turnkeeper/turn/udp_transport.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "turnkeeper/base/handler_memory.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/socket_endpoint.hpp"

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

error_code last_error() {
  return {errno, boost::system::system_category()};
}

class UdpTransport;

// Waits for all sockets of one io_context with an epoll of its own: a probe's socket lives for five answers, and Asio
// would spend more on each than the kernel does.
class Sockets final : public asio::execution_context::service {
 public:
  using key_type = Sockets;
  static asio::execution_context::id id;

  explicit Sockets(asio::execution_context& context) : service(context) {}
  ~Sockets() override { shutdown(); }

  // What a socket is known by: its descriptor will be another socket's soon.
  struct Name {
    int fd = -1;
    std::uint32_t generation = 0;
  };

  std::optional<Name> add(UdpTransport& transport, int fd, const asio::any_io_executor& executor, error_code& error);
  void remove(int fd, std::unique_ptr<const Transport::Receiver> receiver);
  // The port that was not used for the longest time. The kernel chooses at random, and so now and then one that a
  // relay has not forgotten yet, which it then refuses (437).
  void choose_port(int fd, bool v6);
  [[nodiscard]] UdpTransport* find(Name name) const;

 private:
  struct Entry {
    UdpTransport* transport = nullptr;
    std::uint32_t generation = 0;
  };

  void shutdown() override { epoll_.reset(); }
  bool open(const asio::any_io_executor& executor, error_code& error);
  void wait();
  void receive();
  void drain_error_queue(int fd);

  // The dynamic ports that Linux gives out by default; where to go on.
  static constexpr std::uint16_t first_port = 32768;
  static constexpr std::uint16_t last_port = 60999;
  std::uint16_t port_ = static_cast<std::uint16_t>(first_port + random_unit() * (last_port - first_port));

  std::optional<asio::posix::stream_descriptor> epoll_;
  std::vector<Entry> entries_;  // by descriptor
  std::size_t count_ = 0;
  bool waiting_ = false;
  int waits_ = 0;
  // The handler's too: it may end after this service.
  std::shared_ptr<HandlerMemory> memory_ = std::make_shared<HandlerMemory>();
  bool receiving_ = false;
  std::vector<std::unique_ptr<const Transport::Receiver>> buried_;  // gone while receiving
  std::array<std::uint8_t, 65536> buffer_;
};

asio::execution_context::id Sockets::id;

class UdpTransport final : public Transport {
 public:
  static std::unique_ptr<UdpTransport> open(const asio::any_io_executor& executor, const SocketAddress& server,
                                            error_code& error, bool whole_datagrams) {
    const auto endpoint = to_socket_endpoint<udp::endpoint>(server);
    const bool v6 = endpoint.protocol() == udp::v6();
    const int fd = socket(endpoint.protocol().family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = last_error();
      return nullptr;
    }
    auto transport = std::unique_ptr<UdpTransport>(new UdpTransport(executor, server, fd));
    // Linux reports ICMP host- and net-unreachable on a UDP socket only to those who ask, and then queues the details,
    // which nobody here needs.
    const int on = 1;
    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof on);
    if (whole_datagrams) {
      const int never = v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
      setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &never, sizeof never);
    }
    transport->sockets_.choose_port(fd, v6);
    if (connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
      error = last_error();
      return nullptr;
    }
    const auto name = transport->sockets_.add(*transport, fd, executor, error);
    if (!name) return nullptr;
    transport->name_ = *name;
    return transport;
  }

  ~UdpTransport() override {
    sockets_.remove(fd_, std::move(receiver_));
    close(fd_);
  }
  UdpTransport(const UdpTransport&) = delete;
  UdpTransport& operator=(const UdpTransport&) = delete;

  void start(Receiver receiver) override { receiver_ = std::make_unique<const Receiver>(std::move(receiver)); }

  void send(Bytes message) override {
    if (::send(fd_, message.data(), message.size(), MSG_NOSIGNAL) >= 0) return;
    const int error = errno;
    if (!PathFailure::of(error)) return;
    // The error may be that of an earlier datagram and this one was not sent: once more, as it costs nothing.
    (void)::send(fd_, message.data(), message.size(), MSG_NOSIGNAL);
    asio::post(executor_, [&sockets = sockets_, name = name_, error] {
      if (auto* self = sockets.find(name)) self->report(error);
    });
  }

  SocketAddress local() const override {
    udp::endpoint endpoint;
    socklen_t size = static_cast<socklen_t>(endpoint.capacity());
    getsockname(fd_, endpoint.data(), &size);
    return from_socket_endpoint(endpoint);
  }
  SocketAddress server() const override { return server_; }

  // The callbacks may destroy this transport.
  void deliver(Bytes message) {
    if (receiver_) receiver_->on_message(message);
  }
  void report(int error) {
    const auto failure = PathFailure::of(error);
    if (failure && receiver_) receiver_->on_unreachable(*failure);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  UdpTransport(const asio::any_io_executor& executor, const SocketAddress& server, int fd)
      : executor_(executor), sockets_(asio::use_service<Sockets>(executor.context())), server_(server), fd_(fd) {}

  asio::any_io_executor executor_;
  Sockets& sockets_;
  SocketAddress server_;
  int fd_;
  Sockets::Name name_;
  std::unique_ptr<const Receiver> receiver_;  // nothing before start()
};

bool Sockets::open(const asio::any_io_executor& executor, error_code& error) {
  if (epoll_) return true;
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    error = last_error();
    return false;
  }
  epoll_.emplace(executor);
  epoll_->assign(fd, error);
  if (!error) return true;
  epoll_.reset();
  close(fd);
  return false;
}

std::optional<Sockets::Name> Sockets::add(UdpTransport& transport, int fd, const asio::any_io_executor& executor,
                                          error_code& error) {
  if (!open(executor, error)) return std::nullopt;
  const auto index = static_cast<std::size_t>(fd);
  if (entries_.size() <= index) entries_.resize(index + 1);
  Entry& entry = entries_[index];
  ++entry.generation;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = std::uint64_t{entry.generation} << 32 | static_cast<std::uint32_t>(fd);
  if (epoll_ctl(epoll_->native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) {
    error = last_error();
    return std::nullopt;
  }
  entry.transport = &transport;
  ++count_;
  if (!waiting_) wait();
  return Name{fd, entry.generation};
}

void Sockets::choose_port(int fd, bool v6) {
  // Where all of these are taken, the kernel will find one.
  for (int attempts = 0; attempts < 8; ++attempts) {
    port_ = port_ == last_port ? first_port : static_cast<std::uint16_t>(port_ + 1);
    const udp::endpoint any(v6 ? udp::v6() : udp::v4(), port_);
    if (bind(fd, any.data(), static_cast<socklen_t>(any.size())) == 0) return;
    if (errno != EADDRINUSE) return;
  }
}

void Sockets::remove(int fd, std::unique_ptr<const Transport::Receiver> receiver) {
  // It may be what is calling this.
  if (receiving_ && receiver) buried_.push_back(std::move(receiver));
  const auto index = static_cast<std::size_t>(fd);
  if (index >= entries_.size() || entries_[index].transport == nullptr) return;
  entries_[index].transport = nullptr;
  --count_;
  // Nothing to wait for: an io_context with no other work may end.
  if (count_ == 0 && waiting_ && epoll_) {
    waiting_ = false;
    ++waits_;
    epoll_->cancel();
  }
}

UdpTransport* Sockets::find(Name name) const {
  const auto index = static_cast<std::size_t>(name.fd);
  if (index >= entries_.size() || entries_[index].generation != name.generation) return nullptr;
  return entries_[index].transport;
}

void Sockets::wait() {
  waiting_ = true;
  epoll_->async_wait(asio::posix::stream_descriptor::wait_read,
                     with_memory(*memory_, [this, memory = memory_, number = ++waits_](const error_code& error) {
                       if (error || waits_ != number) return;
                       waiting_ = false;
                       receive();
                       if (count_ > 0 && !waiting_) wait();
                     }));
}

void Sockets::receive() {
  std::array<epoll_event, 64> events;
  const int ready = epoll_wait(epoll_->native_handle(), events.data(), events.size(), 0);
  receiving_ = true;
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const Name name{static_cast<int>(event.data.u64 & 0xFFFFFFFF), static_cast<std::uint32_t>(event.data.u64 >> 32)};
    UdpTransport* transport = find(name);
    if (transport == nullptr) continue;
    const auto size = recv(name.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    const int error = errno;
    if ((event.events & EPOLLERR) != 0) drain_error_queue(name.fd);
    if (size >= 0) {
      transport->deliver(Bytes(buffer_).first(static_cast<std::size_t>(size)));
    } else {
      transport->report(error);
    }
    buried_.clear();
  }
  receiving_ = false;
}

void Sockets::drain_error_queue(int fd) {
  std::array<char, 512> control;
  msghdr message{};
  do {
    message = {};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  } while (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0);
}

}  // namespace

std::unique_ptr<Transport> open_udp(const asio::any_io_executor& executor, const SocketAddress& server,
                                    error_code& error, bool whole_datagrams) {
  return UdpTransport::open(executor, server, error, whole_datagrams);
}

Result<std::unique_ptr<Transport>> open_udp(const asio::any_io_executor& executor, const SocketAddress& server,
                                            bool whole_datagrams) {
  error_code error;
  auto transport = open_udp(executor, server, error, whole_datagrams);
  if (transport) return transport;
  if (PathFailure::of(error.value())) {
    return fail("no UDP path to " + server.to_string() + ": " + error.message(), "check this machine's routes");
  }
  return fail("no UDP socket for " + server.to_string() + ": " + error.message(),
              "raise this process's limit of open files");
}

}  // namespace turnkeeper::turn
