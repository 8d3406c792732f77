// An emulated wide-area network: an Ethernet switch in user space between TAP devices, where every port has a delay, a
// loss rate, a black hole and a link state of its own. Not tc-netem, because many kernels are built without it; and a
// user-space switch also gives the same losses in every run (fixed seed).
//
// Commands on stdin, one a line, each answered by "ok" or "error: ..." on stdout; ends at end of file:
//   port NAME INTERFACE                           makes the TAP device; the caller moves it into a namespace, addresses
//   it set NAME DELAY_US LOSS_PPM BLACKHOLE LINK     delay and loss count in each direction; BLACKHOLE and LINK are 0
//   or 1
//
// A black hole passes ARP and IPv6 neighbour discovery, so that senders meet silence and not "no route to host".
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxQueuedFrames = 50'000;

struct Port {
  int fd = -1;
  std::chrono::microseconds delay{0};
  std::uint32_t loss_ppm = 0;
  bool blackhole = false;
  bool link = true;
};

using Mac = std::array<unsigned char, 6>;
using Frame = std::shared_ptr<const std::vector<unsigned char>>;

struct InFlight {
  Clock::time_point due;
  std::uint64_t sequence;
  Port* to;
  Frame frame;
  bool operator>(const InFlight& other) const { return due != other.due ? due > other.due : sequence > other.sequence; }
};

bool is_neighbour_discovery(const std::vector<unsigned char>& frame) {
  const int type = frame[12] << 8 | frame[13];
  if (type == 0x0806) return true;
  // ICMPv6 (next header 58), types 133 to 137.
  return type == 0x86dd && frame.size() > 54 && frame[20] == 58 && frame[54] >= 133 && frame[54] <= 137;
}

class Switch {
 public:
  std::string command(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    std::string name;
    words >> verb >> name;
    if (verb == "port") {
      std::string interface;
      words >> interface;
      return add_port(name, interface);
    }
    const auto port = ports_.find(name);
    if (verb != "set" || port == ports_.end()) return "error: no such command or port: " + line;
    std::int64_t delay_us = 0;
    Port& changed = port->second;
    bool link = true;
    if (!(words >> delay_us >> changed.loss_ppm >> changed.blackhole >> link)) return "error: bad values: " + line;
    changed.delay = std::chrono::microseconds(delay_us);
    changed.link = link;
    const int carrier = link ? 1 : 0;
    if (ioctl(changed.fd, TUNSETCARRIER, &carrier) != 0) return std::string("error: carrier: ") + std::strerror(errno);
    return "ok";
  }

  void run() {
    std::string input;
    for (;;) {
      std::vector<pollfd> waits{{STDIN_FILENO, POLLIN, 0}};
      std::vector<Port*> order;
      for (auto& [name, port] : ports_) {
        waits.push_back({port.fd, POLLIN, 0});
        order.push_back(&port);
      }
      timespec until{};
      if (!in_flight_.empty()) {
        const auto left = std::max(in_flight_.top().due - Clock::now(), Clock::duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        until = {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
      }
      if (ppoll(waits.data(), waits.size(), in_flight_.empty() ? nullptr : &until, nullptr) < 0 && errno != EINTR)
        return;
      deliver();
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (waits[i + 1].revents != 0) receive(*order[i]);
      }
      if (waits[0].revents != 0 && !read_commands(input)) return;
    }
  }

 private:
  std::string add_port(const std::string& name, const std::string& interface) {
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return std::string("error: /dev/net/tun: ") + std::strerror(errno);
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
      const std::string why = std::strerror(errno);
      close(fd);
      return "error: " + interface + ": " + why;
    }
    ports_[name].fd = fd;
    return "ok";
  }

  bool read_commands(std::string& input) {
    char buffer[4096];
    const auto size = read(STDIN_FILENO, buffer, sizeof buffer);
    if (size <= 0) return false;
    input.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end; (end = input.find('\n')) != std::string::npos; input.erase(0, end + 1)) {
      std::cout << command(input.substr(0, end)) << std::endl;
    }
    return true;
  }

  void receive(Port& from) {
    for (int burst = 0; burst < 64; ++burst) {
      const auto size = read(from.fd, buffer_.data(), buffer_.size());
      if (size < 14) return;
      std::vector<unsigned char> frame(buffer_.begin(), buffer_.begin() + size);
      Mac destination;
      Mac source;
      std::copy_n(frame.begin(), 6, destination.begin());
      std::copy_n(frame.begin() + 6, 6, source.begin());
      known_[source] = &from;
      const auto shared = std::make_shared<const std::vector<unsigned char>>(std::move(frame));
      if (lost(from, *shared)) continue;
      const auto known = known_.find(destination);
      for (auto& [name, to] : ports_) {
        if (&to == &from || (known != known_.end() && known->second != &to) || lost(to, *shared)) continue;
        if (in_flight_.size() >= kMaxQueuedFrames) continue;
        in_flight_.push({Clock::now() + from.delay + to.delay, ++sequence_, &to, shared});
      }
    }
    deliver();
  }

  void deliver() {
    for (const auto now = Clock::now(); !in_flight_.empty() && in_flight_.top().due <= now; in_flight_.pop()) {
      const auto& next = in_flight_.top();
      if (!next.to->link || (next.to->blackhole && !is_neighbour_discovery(*next.frame))) continue;
      // A full or unready device loses the frame, as a real one does.
      [[maybe_unused]] const auto written = write(next.to->fd, next.frame->data(), next.frame->size());
    }
  }

  bool lost(const Port& port, const std::vector<unsigned char>& frame) {
    if (!port.link) return true;
    if (is_neighbour_discovery(frame)) return false;
    return port.blackhole || (port.loss_ppm != 0 && dice_(random_) < port.loss_ppm);
  }

  std::array<unsigned char, 65536> buffer_;
  std::map<std::string, Port> ports_;
  std::map<Mac, Port*> known_;
  std::priority_queue<InFlight, std::vector<InFlight>, std::greater<>> in_flight_;
  std::uint64_t sequence_ = 0;
  std::mt19937 random_{20240229};
  std::uniform_int_distribution<std::uint32_t> dice_{0, 999'999};
};

}  // namespace

int main() {
  Switch().run();
}
