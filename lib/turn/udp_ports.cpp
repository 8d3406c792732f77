#include "turnkeeper/turn/udp_ports.hpp"

#include <sys/socket.h>
// After sys/socket.h, which it relies on.
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <system_error>
#include <utility>
#include <vector>

#include "turnkeeper/base/handler_memory.hpp"

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Family = SocketAddress::Family;

// A released allocation's 5-tuple is refused (437) for a moment. One whose credential was refused belongs to that user
// name for a minute, as coturn has it: with another one it answers 441 or 437 for as long.
constexpr auto rest = 75s;
constexpr std::size_t batch = 64;
constexpr std::size_t max_datagram = 2048;
constexpr int batches_per_turn = 4;  // then the loop's other work has its turn
constexpr std::size_t max_queued = 16384;
constexpr int buffer_size = 4 << 20;

// A socket address as the kernel wants it.
struct Name {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size;
};

Name to_name(const SocketAddress& address) {
  Name name{};
  if (address.family() == Family::ipv4) {
    name.v4 = {};
    name.v4.sin_family = AF_INET;
    name.v4.sin_port = htons(address.port());
    std::memcpy(&name.v4.sin_addr, address.ip().data(), 4);
    name.size = sizeof name.v4;
  } else {
    name.v6 = {};
    name.v6.sin6_family = AF_INET6;
    name.v6.sin6_port = htons(address.port());
    std::memcpy(&name.v6.sin6_addr, address.ip().data(), 16);
    name.size = sizeof name.v6;
  }
  return name;
}

SocketAddress from_name(const Name& name) {
  if (name.any.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> ip;
    std::memcpy(ip.data(), &name.v4.sin_addr, ip.size());
    return {ip, ntohs(name.v4.sin_port)};
  }
  std::array<std::uint8_t, 16> ip;
  std::memcpy(ip.data(), &name.v6.sin6_addr, ip.size());
  return {ip, ntohs(name.v6.sin6_port)};
}

struct AddressHash {
  std::size_t operator()(const SocketAddress& address) const {
    std::uint64_t words[2] = {};
    std::memcpy(words, address.ip().data(), address.ip().size());
    std::uint64_t hash = (words[0] ^ (std::uint64_t{address.port()} << 48)) * 0x9E3779B97F4A7C15U;
    hash = (hash ^ (hash >> 29) ^ words[1]) * 0xBF58476D1CE4E5B9U;
    return hash ^ (hash >> 32);
  }
};

std::string words(int error) {
  return std::generic_category().message(error);
}

// One client's place on a port. Stays for a while after the client is gone.
struct Route {
  SocketAddress server;
  std::unique_ptr<const Transport::Receiver> receiver;  // nothing before start()
  bool used = false;
};

// Routes by server, in one piece: with a thousand of them each look-up finds its entry outside of the cache, and one
// miss is enough. Open addressing; at most half full.
class Routes {
 public:
  [[nodiscard]] Route* find(const SocketAddress& server) {
    if (slots_.empty()) return nullptr;
    Route& found = slots_[place(server)];
    return found.used ? &found : nullptr;
  }
  void prefetch(const SocketAddress& server) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home(server)]);
  }
  // False when there is one. Invalidates what find() gave.
  bool add(const SocketAddress& server) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    Route& free = slots_[place(server)];
    if (free.used) return false;
    free.server = server;
    free.used = true;
    ++count_;
    return true;
  }
  void remove(const SocketAddress& server) {
    std::size_t hole = place(server);
    if (!slots_[hole].used) return;
    slots_[hole] = {};
    --count_;
    // Those behind it must stay reachable from their own places.
    for (std::size_t at = next(hole); slots_[at].used; at = next(at)) {
      Route moved = std::exchange(slots_[at], {});
      slots_[place(moved.server)] = std::move(moved);
    }
  }

 private:
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t home(const SocketAddress& server) const {
    return AddressHash()(server) & (slots_.size() - 1);
  }
  // Where the server is, or the free place where it belongs.
  [[nodiscard]] std::size_t place(const SocketAddress& server) const {
    std::size_t at = home(server);
    while (slots_[at].used && slots_[at].server != server) at = next(at);
    return at;
  }
  void grow() {
    auto old = std::exchange(slots_, std::vector<Route>(std::max<std::size_t>(16, 2 * slots_.size())));
    for (auto& route : old) {
      if (route.used) slots_[place(route.server)] = std::move(route);
    }
  }

  std::vector<Route> slots_;  // a power of two of them
  std::size_t count_ = 0;
};

struct Port {
  Port(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd) {}

  struct Queued {
    Name to;
    std::size_t offset;  // in `bytes`
    std::size_t size;
  };

  asio::posix::stream_descriptor descriptor;
  SocketAddress local;
  Routes routes;
  std::size_t clients = 0;  // that were started
  std::vector<Queued> queued;
  std::vector<std::uint8_t> bytes;
  int waits = 0;  // numbers them; an older one than the newest counts no more
  // The handler's too: an operation may end after its port.
  std::shared_ptr<HandlerMemory> wait_memory = std::make_shared<HandlerMemory>();
};

// A route that is to be forgotten.
struct Resting {
  Port* port;
  SocketAddress server;
  SteadyTime until;
};

}  // namespace

struct UdpPorts::Core : std::enable_shared_from_this<Core> {
  Core(asio::any_io_executor executor_in, Options options_in)
      : executor(std::move(executor_in)), options(options_in), arriving(batch * max_datagram) {}

  std::vector<std::unique_ptr<Port>>& ports_of(Family family) { return ports[family == Family::ipv4 ? 0 : 1]; }

  // The first port that is free towards this server: few sockets in use make large batches.
  Result<Port*> take_port(const SocketAddress& server) {
    forget_rested();
    auto& candidates = ports_of(server.family());
    for (const auto& port : candidates) {
      if (port->routes.add(server)) return port.get();
    }
    if (candidates.size() >= options.ports_per_family) {
      return fail("all " + std::to_string(candidates.size()) + " UDP ports are in use towards " + server.to_string(),
                  "name each relay only once");
    }
    auto port = open_port(server.family());
    if (!port) return fail(port.error());
    candidates.push_back(std::move(*port));
    candidates.back()->routes.add(server);
    return candidates.back().get();
  }

  Result<std::unique_ptr<Port>> open_port(Family family) {
    const auto failed = [](const char* what) {
      return fail(std::string(what) + ": " + words(errno), "raise this process's limit of open files");
    };
    const bool v4 = family == Family::ipv4;
    const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed("no UDP socket");
    std::unique_ptr<Port> port;
    try {
      port = std::make_unique<Port>(executor, fd);
    } catch (const boost::system::system_error& error) {
      close(fd);
      return fail(std::string("a UDP socket cannot be waited for: ") + error.what(),
                  "raise this process's limit of open files");
    }
    const int on = 1;
    if (!v4) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
    // Nothing here is long enough to be cut in pieces; and Linux need not think of an identification for each datagram.
    const int whole = IP_PMTUDISC_DO;
    if (v4) setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
    // As far as the system allows: beyond its limit only with privileges.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size) != 0) {
      setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_size, sizeof buffer_size) != 0) {
      setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    }
    Name name = v4 ? to_name(SocketAddress()) : to_name(SocketAddress(std::array<std::uint8_t, 16>{}, 0));
    if (bind(fd, &name.any, name.size) != 0 || getsockname(fd, &name.any, &name.size) != 0) {
      return failed("no UDP port");
    }
    port->local = from_name(name);
    return port;
  }

  void start(Port& port, const SocketAddress& server, Transport::Receiver receiver) {
    port.routes.find(server)->receiver = std::make_unique<const Transport::Receiver>(std::move(receiver));
    if (++port.clients == 1) wait(port);
  }

  void give_up(Port& port, const SocketAddress& server) {
    // Its last words, in case that the loop does not run again.
    if (dispatching == 0 && !flushing_now && !port.queued.empty()) flush(port, Errors::ignored);
    Route& route = *port.routes.find(server);
    if (route.receiver) {
      // It may be what is calling this.
      if (dispatching > 0) buried.push_back(std::move(route.receiver));
      route.receiver.reset();
      // Nothing to wait for: an io_context with no other work may end.
      if (--port.clients == 0) {
        ++port.waits;
        port.descriptor.cancel();
      }
    }
    resting.push_back({&port, server, options.clock->steady() + rest});
  }

  void forget_rested() {
    const auto now = options.clock->steady();
    while (!resting.empty() && resting.front().until <= now) {
      resting.front().port->routes.remove(resting.front().server);
      resting.pop_front();
    }
  }

  void wait(Port& port) {
    port.descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        with_memory(*port.wait_memory, [weak = weak_from_this(), memory = port.wait_memory, &port,
                                        number = ++port.waits](const boost::system::error_code& error) {
          const auto self = weak.lock();
          if (error || !self || port.waits != number) return;
          self->receive(port);
          if (port.clients > 0 && port.waits == number) self->wait(port);
        }));
  }

  void receive(Port& port) {
    for (int turn = 0; turn < batches_per_turn; ++turn) {
      for (std::size_t i = 0; i < batch; ++i) {
        iovecs[i] = {arriving.data() + i * max_datagram, max_datagram};
        messages[i] = {};
        messages[i].msg_hdr.msg_name = &names[i].any;
        messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
        messages[i].msg_hdr.msg_iov = &iovecs[i];
        messages[i].msg_hdr.msg_iovlen = 1;
      }
      const int received = recvmmsg(port.descriptor.native_handle(), messages.data(), batch, MSG_DONTWAIT, nullptr);
      if (received < 0) {
        if (errno == EINTR) continue;
        // Woken for nothing to read: for an error, though a sendmmsg() that it cut short may have swallowed its sign.
        const bool nothing = errno == EAGAIN;
        if (nothing && turn > 0) return;
        if (!take_errors(port) || nothing) return;
        continue;
      }
      // With a thousand clients, each one's place has long left the cache.
      for (int i = 0; i < received; ++i) port.routes.prefetch(from_name(names[static_cast<std::size_t>(i)]));
      for (int i = 0; i < received; ++i) {
        const auto& message = messages[static_cast<std::size_t>(i)];
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
        deliver(port, names[static_cast<std::size_t>(i)],
                Bytes(arriving.data() + static_cast<std::size_t>(i) * max_datagram, message.msg_len));
      }
      if (static_cast<std::size_t>(received) < batch) return;
    }
  }

  template <class Call>
  void call(Port& port, const SocketAddress& server, Call to_receiver) {
    const Route* route = port.routes.find(server);
    if (route == nullptr || !route->receiver) return;
    ++dispatching;
    to_receiver(*route->receiver);
    if (--dispatching == 0) buried.clear();
  }
  void deliver(Port& port, const Name& from, Bytes message) {
    call(port, from_name(from), [&](const Transport::Receiver& receiver) { receiver.on_message(message); });
  }
  void tell_unreachable(Port& port, const Name& to, int error) {
    const auto failure = PathFailure::of(error);
    if (!failure) return;
    call(port, from_name(to), [&](const Transport::Receiver& receiver) { receiver.on_unreachable(*failure); });
  }

  // Reads what ICMP said and to whom it matters. Returns whether there was anything.
  bool take_errors(Port& port) {
    bool any = false;
    for (;;) {
      Name to{};
      alignas(cmsghdr) std::array<char, 512> control;
      msghdr message{};
      message.msg_name = &to.any;
      message.msg_namelen = sizeof(sockaddr_in6);
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      if (recvmsg(port.descriptor.native_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return any;
      any = true;
      for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        const bool about_path = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                                (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
        if (!about_path || message.msg_namelen == 0) continue;
        sock_extended_err error;
        std::memcpy(&error, CMSG_DATA(part), sizeof error);
        tell_unreachable(port, to, static_cast<int>(error.ee_errno));
      }
    }
  }

  void queue(Port& port, const Name& to, Bytes message) {
    if (port.queued.size() >= max_queued) return;
    port.queued.push_back({to, port.bytes.size(), message.size()});
    port.bytes.insert(port.bytes.end(), message.begin(), message.end());
    if (std::exchange(flushing, true)) return;
    // Behind everything that is ready to run in this turn.
    // Also when everybody let go meanwhile: it may be a Refresh(0).
    auto flush_all = with_memory(flush_memory, [self = shared_from_this()] { self->flush(); });
    // any_io_executor would take memory for each.
    if (const auto* io = executor.target<asio::io_context::executor_type>()) {
      asio::post(*io, std::move(flush_all));
    } else {
      asio::post(executor, std::move(flush_all));
    }
  }

  void flush() {
    flushing = false;
    for (auto& family : ports) {
      // By index: a callback may open another port.
      for (std::size_t i = 0; i < family.size(); ++i) {
        if (!family[i]->queued.empty()) flush(*family[i], Errors::told);
      }
    }
  }

  enum class Errors { told, ignored };
  void flush(Port& port, Errors errors) {
    flushing_now = true;
    // What a callback sends meanwhile waits for the next turn.
    sending.swap(port.queued);
    sending_bytes.swap(port.bytes);
    int errors_in_a_row = 0;
    for (std::size_t first = 0; first < sending.size();) {
      const std::size_t count = std::min(batch, sending.size() - first);
      for (std::size_t i = 0; i < count; ++i) {
        auto& queued = sending[first + i];
        iovecs[i] = {sending_bytes.data() + queued.offset, queued.size};
        messages[i] = {};
        messages[i].msg_hdr.msg_name = &queued.to.any;
        messages[i].msg_hdr.msg_namelen = queued.to.size;
        messages[i].msg_hdr.msg_iov = &iovecs[i];
        messages[i].msg_hdr.msg_iovlen = 1;
      }
      const int sent = sendmmsg(port.descriptor.native_handle(), messages.data(), static_cast<unsigned>(count),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        first += static_cast<std::size_t>(sent);
        errors_in_a_row = 0;
        continue;
      }
      const int error = errno;
      if (error == EINTR) continue;
      if (error == EAGAIN || error == ENOBUFS) break;  // as a full queue on the way would: dropped
      // It may be about an earlier datagram to somebody else; then this one was not tried.
      const bool others = errors == Errors::ignored || take_errors(port);
      if (others && ++errors_in_a_row < 3) continue;
      errors_in_a_row = 0;
      if (errors == Errors::told) tell_unreachable(port, sending[first].to, error);
      ++first;
    }
    sending.clear();
    sending_bytes.clear();
    flushing_now = false;
  }

  asio::any_io_executor executor;
  const Options options;
  std::array<std::vector<std::unique_ptr<Port>>, 2> ports;  // IPv4, IPv6
  std::deque<Resting> resting;                              // in order of time

  int dispatching = 0;
  std::vector<std::unique_ptr<const Transport::Receiver>> buried;  // gone while dispatching

  bool flushing = false;      // the flush at the end of the turn was asked for
  bool flushing_now = false;  // and is under way
  HandlerMemory flush_memory;
  std::vector<Port::Queued> sending;
  std::vector<std::uint8_t> sending_bytes;

  std::vector<std::uint8_t> arriving;
  std::array<mmsghdr, batch> messages;
  std::array<iovec, batch> iovecs;
  std::array<Name, batch> names;
};

UdpPorts::UdpPorts(const asio::any_io_executor& executor) : UdpPorts(executor, Options()) {}

UdpPorts::UdpPorts(const asio::any_io_executor& executor, Options options)
    : core_(std::make_shared<Core>(executor, options)) {}

UdpPorts::~UdpPorts() = default;

Result<std::unique_ptr<Transport>> UdpPorts::open(const SocketAddress& server) {
  class PortTransport final : public Transport {
   public:
    PortTransport(std::shared_ptr<Core> core, Port& port, const SocketAddress& server)
        : core_(std::move(core)), port_(port), server_(server), name_(to_name(server)) {}
    ~PortTransport() override { core_->give_up(port_, server_); }
    PortTransport(const PortTransport&) = delete;
    PortTransport& operator=(const PortTransport&) = delete;

    void start(Receiver receiver) override { core_->start(port_, server_, std::move(receiver)); }
    void send(Bytes message) override { core_->queue(port_, name_, message); }
    SocketAddress local() const override { return port_.local; }
    SocketAddress server() const override { return server_; }

   private:
    std::shared_ptr<Core> core_;
    Port& port_;
    SocketAddress server_;
    Name name_;
  };

  const auto port = core_->take_port(server);
  if (!port) return fail(port.error());
  return std::make_unique<PortTransport>(core_, **port, server);
}

}  // namespace turnkeeper::turn
