// Many subscribers of one monitor's event stream, and when each of them is told.
//
//   subscribers --monitor 127.0.0.1:8480 --key KEY --count 10000 --idle 10000
//
// Prints "ready" when each subscriber has its first list, and then, for each line on its standard input, waits until
// each has got another one and prints a line of JSON: {"told":N,"first":T,"last":T,"p50":T,"p99":T}, in seconds of the
// monotonic clock. Idle connections have asked once and are kept. Addresses follow each other from 127.0.1.1, so that
// no limit for one address and no lack of ports is met.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "turnkeeper/base/open_files.hpp"

namespace {

using turnkeeper::raise_open_files_limit;

constexpr int connections_per_address = 5'000;

[[noreturn]] void die(const std::string& what) {
  std::perror(("subscribers: " + what).c_str());
  std::exit(1);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Subscribers {
 public:
  Subscribers(std::string host, int port, std::string key)
      : host_(std::move(host)), port_(port), key_(std::move(key)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  void connect(int count, int idle) {
    for (int i = 0; i < count + idle; ++i) {
      const bool subscribes = i < count;
      const int fd = open_one(i / connections_per_address);
      const std::string request = "GET " +
                                  (subscribes ? "/v1/events?user=u" + std::to_string(i) : std::string("/healthz")) +
                                  " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + key_ + "\r\n\r\n";
      if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) die("send");
      if (!subscribes) continue;
      epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
      if (static_cast<std::size_t>(fd) >= told_.size()) told_.resize(static_cast<std::size_t>(fd) + 1);
      ++count_;
      if (i % 256 == 0) read(0);
    }
  }

  // Until each subscriber has got another list. Those that came since the last call count.
  void wait(double seconds) {
    const double until = now() + seconds;
    while (times_.size() < count_ && now() < until) read(100);
  }

  void report() {
    std::ranges::sort(times_);
    const auto at = [&](double share) {
      return times_.empty() ? 0.0 : times_[static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1))];
    };
    std::printf(R"({"told":%zu,"first":%.6f,"last":%.6f,"p50":%.6f,"p99":%.6f})"
                "\n",
                times_.size(), at(0), at(1), at(0.5), at(0.99));
    std::fflush(stdout);
  }

  // What is on its way now does not count.
  void begin() {
    while (read(50) > 0) {
    }
    times_.clear();
    told_.assign(told_.size(), false);
  }

 private:
  int open_one(int address) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256U + static_cast<unsigned>(address));
    const int late = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) die("bind");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    inet_pton(AF_INET, host_.c_str(), &to.sin_addr);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) die("connect");
    return fd;
  }

  int read(int milliseconds) {
    static std::array<epoll_event, 1024> events;
    static std::array<char, 65536> bytes;
    const int ready = epoll_wait(epoll_, events.data(), events.size(), milliseconds);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const auto size = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (size <= 0) {
        std::fprintf(stderr, "subscribers: the monitor has closed a stream\n");
        std::exit(1);
      }
      // Heartbeats are no news.
      const std::string_view text(bytes.data(), static_cast<std::size_t>(size));
      if (text.find("data: ") == std::string_view::npos || told_[static_cast<std::size_t>(fd)]) continue;
      told_[static_cast<std::size_t>(fd)] = true;
      times_.push_back(now());
    }
    return ready;
  }

  const std::string host_;
  const int port_;
  const std::string key_;
  const int epoll_;
  std::size_t count_ = 0;
  std::vector<bool> told_;  // by descriptor
  std::vector<double> times_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string monitor = "127.0.0.1:8480";
  std::string key;
  int count = 10'000;
  int idle = 0;
  CLI::App app{"Subscribers of a monitor"};
  app.add_option("--monitor", monitor, "ADDRESS:PORT");
  app.add_option("--key", key, "its API key")->required();
  app.add_option("--count", count);
  app.add_option("--idle", idle);
  CLI11_PARSE(app, argc, argv);

  if (const auto files = raise_open_files_limit(); files < static_cast<std::size_t>(count + idle) + 64) {
    std::fprintf(stderr, "subscribers: only %zu files may be open\n", files);
    return 1;
  }
  const auto colon = monitor.rfind(':');
  Subscribers subscribers(monitor.substr(0, colon), std::atoi(monitor.c_str() + colon + 1), key);
  subscribers.connect(count, idle);
  subscribers.wait(60);
  std::puts("ready");
  std::fflush(stdout);
  for (int c = 0; (c = std::getchar()) != EOF;) {
    if (c != '\n') continue;
    subscribers.begin();
    subscribers.wait(10);
    subscribers.report();
  }
}
