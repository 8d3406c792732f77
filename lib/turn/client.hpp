// A TURN client (RFC 8656) as a state machine: datagrams and time go in; datagrams, the next time and events come out.
// No socket, no clock and no thread inside, so that the same code runs under a transport, a test and a fuzzer.
//
//   Client client({.username = "1700086400:probe", .password = password});
//   client.allocate(now);
//   for (;;) {
//     while (auto datagram = client.poll_transmit()) socket.send(*datagram);
//     while (auto event = client.poll_event()) handle(*event);      // Allocated, Failure, ...
//     wait for a datagram or client.next_timeout();
//     if (datagram) if (auto data = client.receive(datagram, now)) use(data->channel, data->payload);
//     client.on_time(now);
//   }
//
// One client is one 5-tuple and at most one allocation. It answers 401 and 438 by itself, retransmits, and once
// allocated keeps the allocation and its channels alive until release(). Times out by the retransmission rules only: a
// caller with a deadline of its own stops waiting and calls release(). A redirect (300) is a Failure that says where
// to: another server is another 5-tuple, so another Client.
//
// Authentication is what the server asks for: MESSAGE-INTEGRITY as in RFC 5389, or MESSAGE-INTEGRITY-SHA256, hidden
// user names and SHA-256 keys where its nonce and PASSWORD-ALGORITHMS say so (RFC 8489 section 9.2). A client that has
// once been offered the stronger form never goes back to the weaker one.
//
// After Refresh(0) a relay may refuse the same 5-tuple for about a second (437): give each client a fresh local port.
// Not thread-safe. Never throws but for memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/challenge.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/integrity.hpp"
#include "turnkeeper/turn/message.hpp"
#include "turnkeeper/turn/socket_address.hpp"
#include "turnkeeper/turn/transaction.hpp"

namespace turnkeeper::turn {

enum class Operation { binding, allocate, channel_bind, refresh, release };
[[nodiscard]] std::string_view operation_name(Operation operation);  // "Allocate", "Refresh", ...

// Why an operation ended without success.
struct Failure {
  enum class Kind {
    timeout,         // no answer that counts, however often it was sent
    error_response,  // the server said so: `code` and `reason`
    unauthorized,    // 401 to a request that carried credentials
    stale_nonce,     // 438 to the nonce that the server had just given
    malformed,       // an answer that RFC 8489 or 8656 does not allow, or that must not be trusted: `reason` says why
  };
  Operation operation{};
  Kind kind{};
  int code = 0;                                   // the STUN error code, where one was received
  std::string reason;                             // printable, at most 128 bytes, whatever the server sent
  std::optional<SocketAddress> alternate_server;  // of a 300
  std::string alternate_domain;                   // of a 300, to verify the other server's certificate by; often empty
};

struct BindingAnswered {
  SocketAddress mapped;  // this client, as the server sees it
};
struct Allocated {
  SocketAddress relayed;
  std::optional<SocketAddress> mapped;
  std::chrono::seconds lifetime{0};
  // Of a dual allocation: the IPv6 address beside the IPv4 one in `relayed`, or the error code with which the server
  // refused the family that `relayed` is not of (440, 508, ...). A server that knows no dual allocation gives neither.
  std::optional<SocketAddress> relayed_additional;
  std::optional<int> additional_refused;
};
struct ChannelBound {
  std::uint16_t channel = 0;
  SocketAddress peer;
};
// The allocation was refreshed, by refresh() or by the client itself.
struct Refreshed {
  std::chrono::seconds lifetime{0};
};
// Refresh(0) was answered: nothing is left on the server.
struct Released {};

using Event = std::variant<BindingAnswered, Allocated, ChannelBound, Refreshed, Released, Failure>;

struct ClientConfig {
  std::string username;
  Secret password;
  std::string software;                // SOFTWARE of every request; empty: none
  std::chrono::seconds lifetime{600};  // asked for; the server may give another
  Retransmission retransmission;
  // The transport delivers by itself: each request is sent once and given up after as long as all retransmissions would
  // have taken, 39.5 s by default (RFC 8489 section 6.2.2).
  bool reliable = false;
  // REQUESTED-ADDRESS-FAMILY. Nothing: the server's default, which is IPv4.
  std::optional<SocketAddress::Family> address_family;
  // An IPv4 and an IPv6 relayed address in one allocation (ADDITIONAL-ADDRESS-FAMILY, RFC 8656 section 7.1). The two
  // cannot be asked for together: `address_family` then counts for nothing.
  bool dual = false;
};

class Client {
 public:
  explicit Client(ClientConfig config);

  // A Binding request. May run beside everything else; a second one replaces the first.
  void binding(SteadyTime now);
  // Once for each client.
  void allocate(SteadyTime now);
  // Binds the next free channel to a peer, and with it the permission; renewed by itself until release(). Returns the
  // channel's number, which counts once ChannelBound came. 0: not allocated, or no channel left.
  std::uint16_t bind_channel(const SocketAddress& peer, SteadyTime now);
  // Renews the allocation ahead of its time.
  void refresh(SteadyTime now);
  // Gives everything up and sends Refresh(0) if the server may hold an allocation, even one whose answer never came:
  // that one is waited for too, since the server may make it after it has answered Refresh(0). Ends with Released or a
  // Failure of Operation::release; with Released at once when there is nothing to release.
  void release(SteadyTime now);

  // A datagram from the server. Channel data comes back at once, as a view into the datagram, and costs no memory;
  // everything else turns into events and datagrams to send. What makes no sense is dropped.
  [[nodiscard]] std::optional<ChannelData> receive(Bytes datagram, SteadyTime now);
  // Retransmits, gives up and renews what is due. Calling it early or often does no harm.
  void on_time(SteadyTime now);

  // Nothing: only a datagram or a call can change anything.
  [[nodiscard]] std::optional<SteadyTime> next_timeout() const;
  // The next datagram to send, valid until the next call that is not const. A request that was answered, replaced or
  // given up in the meantime is not sent any more, so at most one datagram waits for each request that is under way.
  [[nodiscard]] std::optional<Bytes> poll_transmit();
  [[nodiscard]] std::optional<Event> poll_event();
  [[nodiscard]] bool has_event() const { return !events_.empty(); }

  // Allocated, not released and not known to be lost.
  [[nodiscard]] bool allocated() const { return state_ == State::allocated; }
  // The server may hold an allocation for this 5-tuple.
  [[nodiscard]] bool needs_release() const { return may_be_allocated_ && state_ != State::closed; }
  // The server named its realm and nonce: it reads Allocate requests, whatever becomes of them.
  [[nodiscard]] bool challenged() const { return !key_.empty(); }
  // The server made it use MESSAGE-INTEGRITY-SHA256.
  [[nodiscard]] bool uses_sha256() const { return !challenge_.algorithms.empty(); }
  // How many answers were dropped because MESSAGE-INTEGRITY was missing or wrong.
  [[nodiscard]] int forged() const { return forged_; }

 private:
  enum class State { idle, allocating, allocated, releasing, closed };

  struct Pending {
    Operation operation{};
    Transaction transaction;
    bool transmit = false;  // for poll_transmit()
    bool authenticated = false;
    int stale_nonces = 0;
    std::uint16_t channel = 0;  // of channel_bind
  };
  struct Channel {
    std::uint16_t number = 0;
    SocketAddress peer;
    bool bound = false;
    SteadyTime renew_at;
  };

  [[nodiscard]] static Method method_of(Operation operation);
  void start(Operation operation, SteadyTime now, std::uint16_t channel = 0);
  void send(Pending pending, SteadyTime now);
  [[nodiscard]] std::vector<std::uint8_t> encode(Operation operation, const TransactionId& id,
                                                 std::uint16_t channel) const;
  [[nodiscard]] bool is_pending(Operation operation, std::uint16_t channel = 0) const;
  [[nodiscard]] Channel* find_channel(std::uint16_t number);
  void on_success(Pending pending, const Message& message, SteadyTime now);
  void on_error(Pending pending, const Message& message, SteadyTime now);
  // What a 401 or 438 asks for; an error when it cannot or must not be answered.
  [[nodiscard]] Result<> take_challenge(const Message& message);
  void fail_operation(const Pending& pending, Failure failure);
  void set_lifetime(std::chrono::seconds lifetime, SteadyTime now);
  void on_released();
  void close();

  ClientConfig config_;
  State state_ = State::idle;
  bool may_be_allocated_ = false;
  Challenge challenge_;
  IntegrityKey key_;  // empty until the server named its realm
  int forged_ = 0;
  std::vector<Pending> pending_;
  std::vector<Channel> channels_;
  SteadyTime refresh_at_;
  SteadyTime expires_at_;
  std::vector<Event> events_;
};

}  // namespace turnkeeper::turn
