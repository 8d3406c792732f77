// The STUN message (RFC 8489 section 5, with TURN's attributes from RFC 8656 section 18), read and written.
//
// Message reads an untrusted datagram in place: it copies nothing, so the datagram must outlive it, and whatever the
// bytes are, decode() either rejects them or every accessor is safe.
//
//   auto bytes = MessageBuilder(Method::allocate, MessageClass::request, random_transaction_id())
//                    .requested_transport_udp()
//                    .text(AttributeType::username, "1700000000:alice")
//                    .integrity(key)
//                    .finish();
//   auto answer = Message::decode(datagram);
//   if (answer && answer->check_integrity(key) == Check::good)
//   use(answer->address(AttributeType::xor_relayed_address));
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/integrity.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

using Bytes = std::span<const std::uint8_t>;
using TransactionId = std::array<std::uint8_t, 12>;

inline constexpr std::uint32_t magic_cookie = 0x2112A442;
inline constexpr std::size_t header_size = 20;

// Unpredictable, as RFC 8489 section 5 asks: it is what ties an answer to its request. Thread-safe; not for use between
// fork() and exec().
[[nodiscard]] TransactionId random_transaction_id();

enum class Method : std::uint16_t {
  binding = 0x001,
  allocate = 0x003,
  refresh = 0x004,
  send = 0x006,
  data = 0x007,
  create_permission = 0x008,
  channel_bind = 0x009,
};

enum class MessageClass : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

enum class AttributeType : std::uint16_t {
  mapped_address = 0x0001,
  username = 0x0006,
  message_integrity = 0x0008,
  error_code = 0x0009,
  unknown_attributes = 0x000A,
  channel_number = 0x000C,
  lifetime = 0x000D,
  xor_peer_address = 0x0012,
  data = 0x0013,
  realm = 0x0014,
  nonce = 0x0015,
  xor_relayed_address = 0x0016,
  requested_address_family = 0x0017,
  requested_transport = 0x0019,
  message_integrity_sha256 = 0x001C,
  password_algorithm = 0x001D,
  userhash = 0x001E,
  xor_mapped_address = 0x0020,
  additional_address_family = 0x8000,
  address_error_code = 0x8001,
  password_algorithms = 0x8002,
  alternate_domain = 0x8003,
  software = 0x8022,
  alternate_server = 0x8023,
  fingerprint = 0x8028,
  // ADDITIONAL-ADDRESS-FAMILY and ADDRESS-ERROR-CODE before they had numbers: coturn up to 4.7 knows only these.
  draft_additional_address_family = 0x8032,
  draft_address_error_code = 0x8033,
};

// What became of MESSAGE-INTEGRITY or FINGERPRINT in a message.
enum class Check { absent, wrong, good };

struct ErrorCode {
  int code = 0;             // 300 to 699
  std::string_view reason;  // UTF-8 as sent, at most 763 bytes; points into the datagram
};

class Message {
 public:
  // Rejects what is not one whole STUN message of RFC 8489: wrong leading bits, cookie or length, an attribute that
  // runs past the end. Attributes behind MESSAGE-INTEGRITY count for nothing, but for MESSAGE-INTEGRITY-SHA256 and
  // FINGERPRINT; behind MESSAGE-INTEGRITY-SHA256 only FINGERPRINT counts (sections 14.5 and 14.6).
  [[nodiscard]] static Result<Message> decode(Bytes datagram);

  [[nodiscard]] Method method() const { return method_; }  // may be a value that Method does not name
  [[nodiscard]] MessageClass message_class() const { return class_; }
  [[nodiscard]] TransactionId transaction_id() const;

  // The first attribute of that type (or the next by `index`), without its padding; nothing when there is none.
  [[nodiscard]] std::optional<Bytes> find(AttributeType type, int index = 0) const;
  // The same as characters: USERNAME, REALM, NONCE, SOFTWARE.
  [[nodiscard]] std::optional<std::string_view> text(AttributeType type) const;
  // XOR-MAPPED-, XOR-RELAYED-, XOR-PEER-ADDRESS; MAPPED-ADDRESS and ALTERNATE-SERVER too, which are not XORed.
  // `index` counts attributes of the same type: a dual allocation has two XOR-RELAYED-ADDRESS.
  [[nodiscard]] std::optional<SocketAddress> address(AttributeType type, int index = 0) const;
  [[nodiscard]] std::optional<ErrorCode> error_code() const;
  // ADDRESS-ERROR-CODE of RFC 8656 section 18.13 under either number, without its family.
  [[nodiscard]] std::optional<ErrorCode> address_error_code() const;
  [[nodiscard]] std::optional<std::chrono::seconds> lifetime() const;
  [[nodiscard]] std::optional<std::uint16_t> channel_number() const;
  // A comprehension-required attribute (below 0x8000) that AttributeType does not name: the message then must not be
  // taken for a success (RFC 8489 section 6.3.3).
  [[nodiscard]] bool has_unknown_required() const { return unknown_required_; }

  // MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, whichever the key is for; the other one counts as absent. Constant
  // time in the digest.
  [[nodiscard]] Check check_integrity(const IntegrityKey& key) const;
  // The same for MESSAGE-INTEGRITY with a key that is used once.
  [[nodiscard]] Check check_integrity(std::string_view key) const;
  [[nodiscard]] Check check_fingerprint() const;

 private:
  Bytes bytes_;
  Method method_{};
  MessageClass class_{};
  bool unknown_required_ = false;
  std::size_t attributes_end_ =
      header_size;                // where what counts ends: behind the first integrity, or the whole message
  std::size_t integrity_at_ = 0;  // offsets of the attributes; 0: none
  std::size_t integrity_sha256_at_ = 0;
  std::size_t fingerprint_at_ = 0;
};

// Appends attributes in the order of the calls; integrity() and fingerprint() last. The caller keeps the whole below
// 64 KiB, which the length field can say.
class MessageBuilder {
 public:
  MessageBuilder(Method method, MessageClass message_class, const TransactionId& id);

  MessageBuilder& bytes(AttributeType type, Bytes value);
  MessageBuilder& text(AttributeType type, std::string_view value);
  // XORed exactly where Message::address() expects it.
  MessageBuilder& address(AttributeType type, const SocketAddress& value);
  MessageBuilder& lifetime(std::chrono::seconds value);
  MessageBuilder& channel_number(std::uint16_t channel);
  MessageBuilder& requested_transport_udp();
  // REQUESTED- or ADDITIONAL-ADDRESS-FAMILY.
  MessageBuilder& address_family(AttributeType type, SocketAddress::Family family);
  // PASSWORD-ALGORITHM without parameters, by its number.
  MessageBuilder& password_algorithm(std::uint16_t number);
  MessageBuilder& error_code(int code, std::string_view reason);
  MessageBuilder& address_error_code(SocketAddress::Family family, int code, std::string_view reason);
  MessageBuilder& integrity(const IntegrityKey& key);
  MessageBuilder& integrity(std::string_view key);  // MESSAGE-INTEGRITY with a key that is used once
  MessageBuilder& fingerprint();

  [[nodiscard]] std::vector<std::uint8_t> finish() { return std::move(out_); }

 private:
  MessageBuilder& error(AttributeType type, std::uint8_t first, int code, std::string_view reason);
  void begin(AttributeType type, std::size_t length);
  void set_length(std::size_t body);
  std::vector<std::uint8_t> out_;
};

}  // namespace turnkeeper::turn
