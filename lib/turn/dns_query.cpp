#include "turnkeeper/turn/dns_query.hpp"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <map>

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

constexpr int first_timeout_ms = 500;  // doubles with each try
constexpr int tries = 3;

DnsAnswer to_answer(int status) {
  if (status == ARES_SUCCESS) return DnsAnswer::found;
  return status == ARES_ENOTFOUND || status == ARES_ENODATA ? DnsAnswer::absent : DnsAnswer::failed;
}

std::string explain(const std::string& name, int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "there is no name " + name;
    case ARES_ENODATA:
      return name + " has no address";
    case ARES_ETIMEOUT:
      return "no name server answers about " + name;
    case ARES_ECONNREFUSED:
      return "no name server can be reached to ask about " + name;
    case ARES_ESERVFAIL:
      return "the name server cannot answer about " + name + " (SERVFAIL)";
    default:
      return name + " does not resolve: " + ares_strerror(status);
  }
}

}  // namespace

// Outlives DnsQueries while a handler of Asio still refers to it.
struct DnsQueries::State : std::enable_shared_from_this<DnsQueries::State> {
  explicit State(asio::any_io_executor executor_in) : executor(std::move(executor_in)), timer(executor) {}

  // A socket of c-ares, which opens and closes it.
  struct Watched {
    stream_descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool reading = false;
    bool writing = false;
  };

  void on_socket(int fd, bool read, bool write) {
    auto found = sockets.find(fd);
    if (!read && !write) {
      if (found == sockets.end()) return;
      found->second->descriptor.release();
      sockets.erase(found);
      return;
    }
    if (found == sockets.end()) {
      // c-ares cannot be told that a socket cannot be watched: its query then times out.
      error_code error;
      stream_descriptor descriptor(executor);
      descriptor.assign(fd, error);
      if (error) return;
      found = sockets.emplace(fd, std::make_shared<Watched>(Watched{std::move(descriptor)})).first;
    }
    found->second->wants_read = read;
    found->second->wants_write = write;
    watch(fd, found->second);
  }

  void watch(int fd, const std::shared_ptr<Watched>& watched) {
    if (watched->wants_read && !std::exchange(watched->reading, true)) {
      watched->descriptor.async_wait(stream_descriptor::wait_read,
                                     [self = shared_from_this(), watched, fd](const error_code& error) {
                                       watched->reading = false;
                                       self->on_ready(fd, watched, error, fd, ARES_SOCKET_BAD);
                                     });
    }
    if (watched->wants_write && !std::exchange(watched->writing, true)) {
      watched->descriptor.async_wait(stream_descriptor::wait_write,
                                     [self = shared_from_this(), watched, fd](const error_code& error) {
                                       watched->writing = false;
                                       self->on_ready(fd, watched, error, ARES_SOCKET_BAD, fd);
                                     });
    }
  }

  void on_ready(int fd, const std::shared_ptr<Watched>& watched, const error_code& error, int read_fd, int write_fd) {
    // The number may meanwhile be that of another socket.
    const auto found = sockets.find(fd);
    if (error || channel == nullptr || found == sockets.end() || found->second != watched) return;
    ares_process_fd(channel, read_fd, write_fd);
    const auto still = sockets.find(fd);
    if (still != sockets.end() && still->second == watched) watch(fd, watched);
    arm();
  }

  // c-ares does its retries when it is called.
  void arm() {
    timeval left{};
    if (channel == nullptr || ares_timeout(channel, nullptr, &left) == nullptr) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) +
                        std::chrono::milliseconds(1));
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->channel == nullptr) return;
      ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm();
    });
  }

  void close() {
    if (channel == nullptr) return;
    ares_destroy(std::exchange(channel, nullptr));  // tells every query, and closes every socket
    for (const auto& [fd, watched] : sockets) watched->descriptor.release();
    sockets.clear();
    timer.cancel();
  }

  asio::any_io_executor executor;
  asio::steady_timer timer;
  ares_channel channel = nullptr;
  std::map<int, std::shared_ptr<Watched>> sockets;
};

Result<std::unique_ptr<DnsQueries>> DnsQueries::open(const asio::any_io_executor& executor,
                                                     const std::vector<SocketAddress>& nameservers) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  auto state = std::make_shared<State>(executor);
  ares_options options{};
  options.timeout = first_timeout_ms;
  options.tries = tries;
  options.sock_state_cb = [](void* data, ares_socket_t fd, int read, int write) {
    static_cast<State*>(data)->on_socket(fd, read != 0, write != 0);
  };
  options.sock_state_cb_data = state.get();
  const int status =
      library != ARES_SUCCESS
          ? library
          : ares_init_options(&state->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) {
    state->channel = nullptr;
    return fail("cannot ask name servers: " + std::string(ares_strerror(status)), "check /etc/resolv.conf");
  }
  auto queries = std::unique_ptr<DnsQueries>(new DnsQueries(std::move(state)));
  std::string servers;
  for (const auto& server : nameservers) servers += (servers.empty() ? "" : ",") + server.to_string();
  if (!servers.empty()) ares_set_servers_ports_csv(queries->state_->channel, servers.c_str());
  return queries;
}

DnsQueries::~DnsQueries() {
  state_->close();
}

namespace {

// What travels through c-ares as void*; freed by its one callback, which always comes.
template <class Records>
struct Asked {
  std::string name;
  DnsQueries::Callback<Records> callback;

  void answer(int status, std::vector<Records> records) {
    const std::unique_ptr<Asked> self(this);
    if (status == ARES_EDESTRUCTION) return;
    if (status == ARES_SUCCESS && records.empty()) status = ARES_ENODATA;
    callback(to_answer(status), std::move(records), explain(name, status));
  }
};

template <class Records>
void query(ares_channel channel, const std::string& name, int type, DnsQueries::Callback<Records> callback,
           ares_callback on_answer) {
  constexpr int internet = 1;
  ares_query(channel, name.c_str(), internet, type, on_answer, new Asked<Records>{name, std::move(callback)});
}

SocketAddress to_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, bytes.size());
    return {bytes, 0};
  }
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
  return {bytes, 0};
}

std::string to_string(const unsigned char* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

}  // namespace

void DnsQueries::addresses(const std::string& name, Callback<SocketAddress> callback) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  ares_getaddrinfo(
      state_->channel, name.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* result) {
        std::vector<SocketAddress> found;
        for (const auto* node = result == nullptr ? nullptr : result->nodes; node != nullptr; node = node->ai_next) {
          if (node->ai_family == AF_INET || node->ai_family == AF_INET6) found.push_back(to_address(node->ai_addr));
        }
        if (result != nullptr) ares_freeaddrinfo(result);
        static_cast<Asked<SocketAddress>*>(asked)->answer(status, std::move(found));
      },
      new Asked<SocketAddress>{name, std::move(callback)});
  state_->arm();
}

void DnsQueries::srv(const std::string& name, Callback<SrvRecord> callback) {
  constexpr int type = 33;
  query<SrvRecord>(
      state_->channel, name, type, std::move(callback),
      [](void* asked, int status, int, unsigned char* answer, int size) {
        ares_srv_reply* first = nullptr;
        if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &first);
        std::vector<SrvRecord> found;
        for (const auto* reply = first; reply != nullptr; reply = reply->next) {
          found.push_back({reply->priority, reply->weight, reply->port, reply->host == nullptr ? "" : reply->host});
        }
        if (first != nullptr) ares_free_data(first);
        static_cast<Asked<SrvRecord>*>(asked)->answer(status, std::move(found));
      });
  state_->arm();
}

void DnsQueries::naptr(const std::string& name, Callback<NaptrRecord> callback) {
  constexpr int type = 35;
  query<NaptrRecord>(
      state_->channel, name, type, std::move(callback),
      [](void* asked, int status, int, unsigned char* answer, int size) {
        ares_naptr_reply* first = nullptr;
        if (status == ARES_SUCCESS) status = ares_parse_naptr_reply(answer, size, &first);
        std::vector<NaptrRecord> found;
        for (const auto* reply = first; reply != nullptr; reply = reply->next) {
          found.push_back({reply->order, reply->preference, to_string(reply->flags), to_string(reply->service),
                           to_string(reply->regexp), reply->replacement == nullptr ? "" : reply->replacement});
        }
        if (first != nullptr) ares_free_data(first);
        static_cast<Asked<NaptrRecord>*>(asked)->answer(status, std::move(found));
      });
  state_->arm();
}

}  // namespace turnkeeper::turn
