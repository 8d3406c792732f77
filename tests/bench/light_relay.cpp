// A TURN relay for benchmarks that stands for a thousand: one socket answers on every loopback address, so that the
// relay's side costs little and the two cores belong to what is measured. It checks and makes MESSAGE-INTEGRITY as a
// relay does, but relays only from an allocation to itself: every allocation has the relayed address ADDRESS:50000.
//
//   light_relay PORT SECRET     # prints "ready" and serves until it is ended
//
// Realm "bench", a constant nonce, credentials as coturn's use-auth-secret takes them.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/message.hpp"

using namespace turnkeeper;
using namespace turnkeeper::turn;

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t max_datagram = 2048;
constexpr std::uint16_t relayed_port = 50000;
constexpr const char* realm = "bench";
constexpr const char* nonce = "0123456789abcdef0123";
constexpr auto lifetime = std::chrono::seconds(600);

using Reply = std::vector<std::uint8_t>;

SocketAddress to_address(in_addr ip, std::uint16_t port) {
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &ip, bytes.size());
  return {bytes, port};
}

// An allocation's 5-tuple: client and server.
struct Tuple {
  std::uint32_t client_ip;
  std::uint32_t server_ip;
  std::uint16_t client_port;
  bool operator==(const Tuple&) const = default;
};
struct TupleHash {
  std::size_t operator()(const Tuple& tuple) const {
    return (std::size_t{tuple.client_ip} << 32 ^ std::size_t{tuple.server_ip} << 16 ^ tuple.client_port) *
           0x9E3779B97F4A7C15U;
  }
};
struct Allocation {
  IntegrityKey key;
  std::uint16_t channel = 0;
};

class Relay {
 public:
  explicit Relay(Secret secret) : secret_(std::move(secret)) {}

  std::optional<Reply> answer(Bytes datagram, const SocketAddress& client, const SocketAddress& relayed,
                              const Tuple& tuple) {
    if (const auto data = decode_channel_data(datagram)) {
      const auto found = allocations_.find(tuple);
      if (found == allocations_.end() || found->second.channel != data->channel) return std::nullopt;
      return Reply(datagram.begin(), datagram.end());
    }
    const auto message = Message::decode(datagram);
    if (!message) return std::nullopt;
    if (message->message_class() == MessageClass::indication) return indication(*message, relayed, tuple);
    if (message->message_class() != MessageClass::request) return std::nullopt;
    if (message->method() == Method::binding) {
      return success(*message).address(AttributeType::xor_mapped_address, client).finish();
    }
    const auto key = authenticate(*message);
    if (!key) {
      return MessageBuilder(message->method(), MessageClass::error, message->transaction_id())
          .error_code(401, "Unauthorized")
          .text(AttributeType::realm, realm)
          .text(AttributeType::nonce, nonce)
          .finish();
    }
    return request(*message, *key, client, relayed, tuple);
  }

 private:
  static MessageBuilder success(const Message& message) {
    return {message.method(), MessageClass::success, message.transaction_id()};
  }
  static Reply refuse(const Message& message, const IntegrityKey& key, int code, std::string_view reason) {
    return MessageBuilder(message.method(), MessageClass::error, message.transaction_id())
        .error_code(code, reason)
        .integrity(key)
        .finish();
  }

  std::optional<Reply> request(const Message& message, const IntegrityKey& key, const SocketAddress& client,
                               const SocketAddress& relayed, const Tuple& tuple) {
    const auto found = allocations_.find(tuple);
    if (message.method() == Method::allocate) {
      if (found != allocations_.end()) return refuse(message, key, 437, "Allocation Mismatch");
      allocations_[tuple] = {key};
      return success(message)
          .address(AttributeType::xor_relayed_address, relayed)
          .address(AttributeType::xor_mapped_address, client)
          .lifetime(lifetime)
          .integrity(key)
          .finish();
    }
    if (found == allocations_.end()) return refuse(message, key, 437, "Allocation Mismatch");
    switch (message.method()) {
      case Method::refresh: {
        const bool over = message.lifetime() && message.lifetime()->count() == 0;
        if (over) allocations_.erase(found);
        return success(message).lifetime(over ? std::chrono::seconds(0) : lifetime).integrity(key).finish();
      }
      case Method::channel_bind:
        if (message.address(AttributeType::xor_peer_address) != relayed) return refuse(message, key, 403, "Forbidden");
        found->second.channel = message.channel_number().value_or(0);
        return success(message).integrity(key).finish();
      case Method::create_permission:
        return success(message).integrity(key).finish();
      default:
        return refuse(message, key, 400, "Bad Request");
    }
  }

  std::optional<Reply> indication(const Message& message, const SocketAddress& relayed, const Tuple& tuple) const {
    const auto data = message.find(AttributeType::data);
    if (message.method() != Method::send || !data || !allocations_.contains(tuple) ||
        message.address(AttributeType::xor_peer_address) != relayed) {
      return std::nullopt;
    }
    return MessageBuilder(Method::data, MessageClass::indication, random_transaction_id())
        .address(AttributeType::xor_peer_address, relayed)
        .bytes(AttributeType::data, *data)
        .finish();
  }

  // The key that the message proves to know.
  std::optional<IntegrityKey> authenticate(const Message& message) {
    const auto username = message.text(AttributeType::username);
    if (!username || message.text(AttributeType::nonce) != nonce) return std::nullopt;
    if (std::atoll(std::string(*username).c_str()) <= unix_seconds(real_clock().system())) return std::nullopt;
    if (keys_.size() > 10'000) keys_.clear();
    auto found = keys_.find(*username);
    if (found == keys_.end()) {
      const auto key = long_term_key(*username, realm, time_limited_password(secret_, *username));
      found = keys_.emplace(*username, IntegrityKey(key.reveal(), IntegrityAlgorithm::sha1)).first;
    }
    if (message.check_integrity(found->second) != Check::good) return std::nullopt;
    return found->second;
  }

  Secret secret_;
  std::map<std::string, IntegrityKey, std::less<>> keys_;
  std::unordered_map<Tuple, Allocation, TupleHash> allocations_;
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  const int size = 32 << 20;
  setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) die("bind");
  return fd;
}

// The address that a datagram was sent to, which the answer must come from; the control part serves for both.
in_pktinfo* packet_info(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      return reinterpret_cast<in_pktinfo*>(CMSG_DATA(part));
    }
  }
  return nullptr;
}

[[noreturn]] void serve(int fd, Relay& relay) {
  static std::array<std::array<std::uint8_t, max_datagram>, batch> buffers;
  struct alignas(cmsghdr) Control {
    std::array<char, 64> bytes;
  };
  std::array<Control, batch> controls{};
  std::array<sockaddr_in, batch> names{};
  std::array<iovec, batch> iovecs{};
  std::array<mmsghdr, batch> messages{};
  std::array<Reply, batch> replies;
  for (;;) {
    for (std::size_t i = 0; i < batch; ++i) {
      iovecs[i] = {buffers[i].data(), max_datagram};
      messages[i].msg_hdr = {&names[i], sizeof names[i], &iovecs[i], 1, &controls[i], sizeof controls[i].bytes, 0};
    }
    const int received = recvmmsg(fd, messages.data(), batch, MSG_WAITFORONE, nullptr);
    if (received < 0) {
      if (errno == EINTR) continue;
      die("recvmmsg");
    }
    unsigned count = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
      in_pktinfo* info = packet_info(messages[i].msg_hdr);
      if (info == nullptr) continue;
      const in_addr server = info->ipi_addr;
      const Tuple tuple{names[i].sin_addr.s_addr, server.s_addr, names[i].sin_port};
      auto reply = relay.answer(Bytes(buffers[i]).first(messages[i].msg_len),
                                to_address(names[i].sin_addr, ntohs(names[i].sin_port)),
                                to_address(server, relayed_port), tuple);
      if (!reply) continue;
      replies[i] = std::move(*reply);
      iovecs[i] = {replies[i].data(), replies[i].size()};
      *info = in_pktinfo{.ipi_ifindex = 0, .ipi_spec_dst = server, .ipi_addr = {}};
      messages[count++] = messages[i];
    }
    for (unsigned sent = 0; sent < count;) {
      const int done = sendmmsg(fd, messages.data() + sent, count - sent, 0);
      sent += done > 0 ? static_cast<unsigned>(done) : 1;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: light_relay PORT SECRET\n");
    return 2;
  }
  const int fd = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
  Relay relay{Secret(argv[2])};
  std::puts("ready");
  std::fflush(stdout);
  serve(fd, relay);
}
