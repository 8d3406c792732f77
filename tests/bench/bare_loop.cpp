// The floor under a full UDP probe: the same datagrams on a fresh socket, with no thought at all. Every request is made
// before the clock starts; an answer is received and not looked at. Nothing is timed, decoded, verified, retransmitted
// or reported. That works only with light_relay, whose nonce and relayed address are known beforehand.
//
// Any other relay chooses them itself: with "live" they are taken out of the answers, and the three requests that carry
// them are signed, under one key made beforehand. Still nothing is verified.
//
//   bare_loop ADDRESS:PORT SECRET IN_FLIGHT COUNT [live]     # prints one line of JSON
//
// Each of the IN_FLIGHT places does one probe after the other: socket, connect, five times send and receive (Allocate,
// Allocate with credentials, ChannelBind, ChannelData, Refresh(0)), close; epoll tells which socket has an answer.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/usage.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/message.hpp"

using namespace turnkeeper;
using namespace turnkeeper::turn;

namespace {

using Datagram = std::vector<std::uint8_t>;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

constexpr std::size_t steps = 5;

// What a probe sends.
class Requests {
 public:
  explicit Requests(const Secret& secret)
      : credential_(
            time_limited_credential(secret, "turnkeeper", std::chrono::system_clock::now() + std::chrono::hours(1))),
        key_(long_term_key(credential_.username, "bench", credential_.password).reveal(), IntegrityAlgorithm::sha1) {}

  [[nodiscard]] Datagram make(std::size_t step, std::string_view nonce, const SocketAddress& relayed) const {
    switch (step) {
      case 0:
        return request(Method::allocate).requested_transport_udp().lifetime(std::chrono::seconds(600)).finish();
      case 1:
        return sign(request(Method::allocate).requested_transport_udp().lifetime(std::chrono::seconds(600)), nonce);
      case 2:
        return sign(request(Method::channel_bind)
                        .channel_number(first_channel)
                        .address(AttributeType::xor_peer_address, relayed),
                    nonce);
      case 3: {
        Datagram frame(channel_header_size + 32);
        const std::array<std::uint8_t, 32> payload{};
        const auto data = encode_channel_data(frame, first_channel, payload);
        return {data.begin(), data.end()};
      }
      default:
        return sign(request(Method::refresh).lifetime(std::chrono::seconds(0)), nonce);
    }
  }

 private:
  static MessageBuilder request(Method method) {
    MessageBuilder builder(method, MessageClass::request, random_transaction_id());
    builder.text(AttributeType::software, "turnkeeper");
    return builder;
  }
  [[nodiscard]] Datagram sign(MessageBuilder& builder, std::string_view nonce) const {
    return builder.text(AttributeType::username, credential_.username)
        .text(AttributeType::realm, "bench")
        .text(AttributeType::nonce, nonce)
        .integrity(key_)
        .finish();
  }

  Credential credential_;
  IntegrityKey key_;
};

struct Place {
  int fd = -1;
  std::size_t step = 0;
  std::string nonce;
  SocketAddress relayed;
};

class Loop {
 public:
  Loop(const SocketAddress& server, Requests requests, bool live, std::size_t in_flight, long count)
      : requests_(std::move(requests)),
        live_(live),
        places_(in_flight),
        left_(count),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    name_.sin_family = AF_INET;
    name_.sin_port = htons(server.port());
    std::memcpy(&name_.sin_addr, server.ip().data(), 4);
    const auto relayed = *SocketAddress::from_ip(server.ip_string(), 50000);
    for (std::size_t step = 0; step < steps; ++step) {
      script_.push_back(requests_.make(step, "0123456789abcdef0123", relayed));
    }
  }
  [[nodiscard]] long failed() const { return failed_; }

  void run() {
    for (auto& place : places_) begin(place);
    std::array<epoll_event, 64> events;
    std::array<std::uint8_t, 2048> answer;
    while (open_ > 0) {
      const int ready = epoll_wait(epoll_, events.data(), events.size(), 5000);
      if (ready <= 0) die("an answer was lost: epoll_wait");
      for (int i = 0; i < ready; ++i) {
        Place& place = *static_cast<Place*>(events[static_cast<std::size_t>(i)].data.ptr);
        const auto size = recv(place.fd, answer.data(), answer.size(), 0);
        if (size < 0) die("recv");
        const bool refused = live_ && !take(place, Bytes(answer).first(static_cast<std::size_t>(size)));
        if (refused) ++failed_;
        if (++place.step < steps && !refused) {
          send(place);
          continue;
        }
        close(place.fd);
        --open_;
        begin(place);
      }
    }
  }

 private:
  void begin(Place& place) {
    if (left_ == 0) return;
    --left_;
    ++open_;
    place.step = 0;
    place.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (place.fd < 0) die("socket");
    if (connect(place.fd, reinterpret_cast<const sockaddr*>(&name_), sizeof name_) != 0) die("connect");
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &place}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, place.fd, &event) != 0) die("epoll_ctl");
    send(place);
  }
  void send(Place& place) {
    if (live_ && place.step > 0 && place.step != 3) {
      script_[place.step] = requests_.make(place.step, place.nonce, place.relayed);
    }
    const auto& datagram = script_[place.step];
    if (::send(place.fd, datagram.data(), datagram.size(), 0) < 0) die("send");
  }

  // What only this relay knows. False: it refused the allocation (437), which a fresh port sometimes meets.
  static bool take(Place& place, Bytes answer) {
    if (place.step > 1) return true;
    const auto message = Message::decode(answer);
    if (!message) return false;
    if (place.step == 0) {
      const auto nonce = message->text(AttributeType::nonce);
      if (nonce) place.nonce = *nonce;
      return nonce.has_value();
    }
    const auto relayed = message->address(AttributeType::xor_relayed_address);
    if (relayed) place.relayed = *relayed;
    return relayed.has_value();
  }

  Requests requests_;
  bool live_;
  std::vector<Datagram> script_;
  std::vector<Place> places_;
  long left_;
  long open_ = 0;
  long failed_ = 0;
  int epoll_;
  sockaddr_in name_{};
};

}  // namespace

int main(int argc, char** argv) {
  const bool live = argc == 6 && std::strcmp(argv[5], "live") == 0;
  if (argc != 5 && !live) {
    std::fprintf(stderr, "usage: bare_loop ADDRESS:PORT SECRET IN_FLIGHT COUNT [live]\n");
    return 2;
  }
  const auto server = SocketAddress::parse(argv[1]);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().text().c_str());
    return 2;
  }
  const long count = std::atol(argv[4]);
  Loop loop(*server, Requests(Secret(argv[2])), live, static_cast<std::size_t>(std::atol(argv[3])), count);
  const auto started = std::chrono::steady_clock::now();
  const double before = bench::cpu_seconds();
  loop.run();
  const double cpu = bench::cpu_seconds() - before;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf("{\"cpu_seconds\":%.6f,\"elapsed_seconds\":%.6f,\"done\":%ld,\"failed\":%ld}\n", cpu, elapsed, count,
              loop.failed());
}
