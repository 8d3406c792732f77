#include "turnkeeper/turn/message.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {
namespace {

constexpr std::size_t attribute_header = 4;
constexpr std::size_t sha1_size = 20;
constexpr std::size_t sha256_size =
    32;  // a truncated one (RFC 8489 section 14.6) is for usages that say so; TURN does not
constexpr std::size_t fingerprint_size = attribute_header + 4;
constexpr std::uint32_t fingerprint_xor = 0x5354554E;  // "STUN"

constexpr std::size_t padded(std::size_t length) {
  return (length + 3) & ~std::size_t{3};
}

// RFC 8489 section 5: the class is spread over bits 4 and 8 of the type, the method over the other twelve.
constexpr std::uint16_t message_type(Method method, MessageClass message_class) {
  const auto m = static_cast<unsigned>(method);
  const auto c = static_cast<unsigned>(message_class);
  return static_cast<std::uint16_t>((m & 0x000F) | (m & 0x0070) << 1 | (m & 0x0F80) << 2 | (c & 1) << 4 | (c & 2) << 7);
}

bool known(AttributeType type) {
  switch (type) {
    case AttributeType::mapped_address:
    case AttributeType::username:
    case AttributeType::message_integrity:
    case AttributeType::error_code:
    case AttributeType::unknown_attributes:
    case AttributeType::channel_number:
    case AttributeType::lifetime:
    case AttributeType::xor_peer_address:
    case AttributeType::data:
    case AttributeType::realm:
    case AttributeType::nonce:
    case AttributeType::xor_relayed_address:
    case AttributeType::requested_address_family:
    case AttributeType::requested_transport:
    case AttributeType::message_integrity_sha256:
    case AttributeType::password_algorithm:
    case AttributeType::userhash:
    case AttributeType::xor_mapped_address:
    case AttributeType::additional_address_family:
    case AttributeType::address_error_code:
    case AttributeType::password_algorithms:
    case AttributeType::alternate_domain:
    case AttributeType::draft_additional_address_family:
    case AttributeType::draft_address_error_code:
    case AttributeType::software:
    case AttributeType::alternate_server:
    case AttributeType::fingerprint:
      return true;
  }
  return false;
}

bool xored(AttributeType type) {
  return type != AttributeType::mapped_address && type != AttributeType::alternate_server;
}

// CRC-32 of ISO 3309, as in FINGERPRINT (RFC 8489 section 14.7).
std::uint32_t crc32(Bytes bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const auto byte : bytes) crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFFU;
}

// What an integrity attribute at `at` holds: the digest of everything before it, under a header whose length ends right
// behind it (RFC 8489 sections 14.5 and 14.6).
IntegrityKey::Digest integrity_digest(const IntegrityKey& key, Bytes message, std::size_t at) {
  std::array<std::uint8_t, header_size> header;
  std::copy_n(message.begin(), header.size(), header.begin());
  write_u16(header, 2, static_cast<std::uint16_t>(at + attribute_header + key.size() - header_size));
  return key.digest(header, message.subspan(header_size, at - header_size));
}

// The mask of RFC 8489 section 14.2: the magic cookie, then (IPv6) the transaction id, which follow each other in the
// header.
SocketAddress apply_xor(const SocketAddress& address, Bytes header) {
  const auto port = static_cast<std::uint16_t>(address.port() ^ (magic_cookie >> 16));
  const auto mix = [&](auto ip) {
    for (std::size_t i = 0; i < ip.size(); ++i) ip[i] = address.ip()[i] ^ header[4 + i];
    return SocketAddress(ip, port);
  };
  return address.family() == SocketAddress::Family::ipv4 ? mix(std::array<std::uint8_t, 4>{})
                                                         : mix(std::array<std::uint8_t, 16>{});
}

std::optional<SocketAddress> decode_address(Bytes value) {
  const auto read = [&](auto ip) {
    std::copy_n(value.begin() + 4, ip.size(), ip.begin());
    return SocketAddress(ip, read_u16(value, 2));
  };
  if (value.size() == 8 && value[1] == 1) return read(std::array<std::uint8_t, 4>{});
  if (value.size() == 20 && value[1] == 2) return read(std::array<std::uint8_t, 16>{});
  return std::nullopt;
}

// ERROR-CODE and ADDRESS-ERROR-CODE: they differ in the first byte, which is not read here.
std::optional<ErrorCode> decode_error_code(const std::optional<Bytes>& value) {
  if (!value || value->size() < 4) return std::nullopt;
  const int hundreds = (*value)[2] & 0x07;
  const int rest = (*value)[3];
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  constexpr std::size_t max_reason = 763;  // RFC 8489 section 14.8
  const auto reason = value->subspan(4).first(std::min(value->size() - 4, max_reason));
  return ErrorCode{hundreds * 100 + rest,
                   std::string_view(reinterpret_cast<const char*>(reason.data()), reason.size())};
}

}  // namespace

TransactionId random_transaction_id() {
  TransactionId id;
  fill_random(id);
  return id;
}

Result<Message> Message::decode(Bytes datagram) {
  if (datagram.size() < header_size) return fail("shorter than a STUN header");
  if ((datagram[0] & 0xC0) != 0) return fail("not STUN: the two leading bits are not zero");
  if (read_u32(datagram, 4) != magic_cookie) return fail("not STUN: wrong magic cookie");
  const std::size_t length = read_u16(datagram, 2);
  if (length % 4 != 0 || header_size + length != datagram.size()) {
    return fail("STUN length does not match the datagram's");
  }

  Message message;
  message.bytes_ = datagram;
  const unsigned type = read_u16(datagram, 0);
  message.method_ = static_cast<Method>((type & 0x000F) | (type & 0x00E0) >> 1 | (type & 0x3E00) >> 2);
  message.class_ = static_cast<MessageClass>((type & 0x0010) >> 4 | (type & 0x0100) >> 7);

  for (std::size_t at = header_size; at < datagram.size();) {
    if (datagram.size() - at < attribute_header) return fail("truncated STUN attribute header");
    const auto attribute = static_cast<AttributeType>(read_u16(datagram, at));
    const std::size_t value_length = read_u16(datagram, at + 2);
    const std::size_t next = at + attribute_header + padded(value_length);
    if (next > datagram.size()) return fail("STUN attribute runs past the end of the message");

    if (attribute == AttributeType::fingerprint) {
      if (value_length != 4 || next != datagram.size()) return fail("FINGERPRINT is not the last attribute");
      message.fingerprint_at_ = at;
    } else if (message.integrity_sha256_at_ != 0) {
      // ignored
    } else if (attribute == AttributeType::message_integrity_sha256) {
      if (value_length != sha256_size) return fail("MESSAGE-INTEGRITY-SHA256 has the wrong length");
      message.integrity_sha256_at_ = at;
      if (message.integrity_at_ == 0) message.attributes_end_ = next;
    } else if (message.integrity_at_ != 0) {
      // ignored
    } else {
      if (attribute == AttributeType::message_integrity) {
        if (value_length != sha1_size) return fail("MESSAGE-INTEGRITY has the wrong length");
        message.integrity_at_ = at;
      } else if (static_cast<std::uint16_t>(attribute) < 0x8000 && !known(attribute)) {
        message.unknown_required_ = true;
      }
      message.attributes_end_ = next;
    }
    at = next;
  }
  return message;
}

TransactionId Message::transaction_id() const {
  TransactionId id;
  std::copy_n(bytes_.begin() + 8, id.size(), id.begin());
  return id;
}

std::optional<Bytes> Message::find(AttributeType type, int index) const {
  for (std::size_t at = header_size; at < attributes_end_;) {
    const std::size_t length = read_u16(bytes_, at + 2);
    if (static_cast<AttributeType>(read_u16(bytes_, at)) == type && index-- == 0) {
      return bytes_.subspan(at + attribute_header, length);
    }
    at += attribute_header + padded(length);
  }
  return std::nullopt;
}

std::optional<std::string_view> Message::text(AttributeType type) const {
  const auto value = find(type);
  if (!value) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(value->data()), value->size());
}

std::optional<SocketAddress> Message::address(AttributeType type, int index) const {
  const auto value = find(type, index);
  const auto address = value ? decode_address(*value) : std::nullopt;
  return address && xored(type) ? apply_xor(*address, bytes_) : address;
}

std::optional<ErrorCode> Message::error_code() const {
  return decode_error_code(find(AttributeType::error_code));
}

std::optional<ErrorCode> Message::address_error_code() const {
  const auto value = find(AttributeType::address_error_code);
  return decode_error_code(value ? value : find(AttributeType::draft_address_error_code));
}

std::optional<std::chrono::seconds> Message::lifetime() const {
  const auto value = find(AttributeType::lifetime);
  if (!value || value->size() != 4) return std::nullopt;
  return std::chrono::seconds(read_u32(*value, 0));
}

std::optional<std::uint16_t> Message::channel_number() const {
  const auto value = find(AttributeType::channel_number);
  if (!value || value->size() != 4) return std::nullopt;
  return read_u16(*value, 0);
}

Check Message::check_integrity(const IntegrityKey& key) const {
  const auto at = key.algorithm() == IntegrityAlgorithm::sha1 ? integrity_at_ : integrity_sha256_at_;
  if (at == 0) return Check::absent;
  const auto digest = integrity_digest(key, bytes_, at);
  return CRYPTO_memcmp(digest.data(), &bytes_[at + attribute_header], key.size()) == 0 ? Check::good : Check::wrong;
}

Check Message::check_integrity(std::string_view key) const {
  return check_integrity(IntegrityKey(key, IntegrityAlgorithm::sha1));
}

Check Message::check_fingerprint() const {
  if (fingerprint_at_ == 0) return Check::absent;
  const auto sent = read_u32(bytes_, fingerprint_at_ + attribute_header);
  return (crc32(bytes_.first(fingerprint_at_)) ^ fingerprint_xor) == sent ? Check::good : Check::wrong;
}

MessageBuilder::MessageBuilder(Method method, MessageClass message_class, const TransactionId& id) {
  out_.reserve(256);
  out_.resize(header_size);
  write_u16(out_, 0, message_type(method, message_class));
  write_u32(out_, 4, magic_cookie);
  std::copy(id.begin(), id.end(), out_.begin() + 8);
}

void MessageBuilder::begin(AttributeType type, std::size_t length) {
  const std::size_t at = out_.size();
  out_.resize(at + attribute_header);
  write_u16(out_, at, static_cast<std::uint16_t>(type));
  write_u16(out_, at + 2, static_cast<std::uint16_t>(length));
}

void MessageBuilder::set_length(std::size_t body) {
  write_u16(out_, 2, static_cast<std::uint16_t>(body));
}

MessageBuilder& MessageBuilder::bytes(AttributeType type, Bytes value) {
  begin(type, value.size());
  out_.insert(out_.end(), value.begin(), value.end());
  out_.resize(header_size + padded(out_.size() - header_size));
  set_length(out_.size() - header_size);
  return *this;
}

MessageBuilder& MessageBuilder::text(AttributeType type, std::string_view value) {
  return bytes(type, Bytes(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
}

MessageBuilder& MessageBuilder::address(AttributeType type, const SocketAddress& value) {
  const SocketAddress on_wire = xored(type) ? apply_xor(value, out_) : value;
  std::array<std::uint8_t, 20> attribute{};
  attribute[1] = static_cast<std::uint8_t>(on_wire.family());
  write_u16(attribute, 2, on_wire.port());
  std::copy(on_wire.ip().begin(), on_wire.ip().end(), attribute.begin() + 4);
  return bytes(type, Bytes(attribute).first(4 + on_wire.ip().size()));
}

MessageBuilder& MessageBuilder::lifetime(std::chrono::seconds value) {
  std::array<std::uint8_t, 4> attribute{};
  write_u32(attribute, 0, static_cast<std::uint32_t>(value.count()));
  return bytes(AttributeType::lifetime, attribute);
}

MessageBuilder& MessageBuilder::channel_number(std::uint16_t channel) {
  std::array<std::uint8_t, 4> attribute{};
  write_u16(attribute, 0, channel);
  return bytes(AttributeType::channel_number, attribute);
}

MessageBuilder& MessageBuilder::requested_transport_udp() {
  constexpr std::uint8_t udp = 17;  // the IP protocol number
  const std::array<std::uint8_t, 4> attribute{udp, 0, 0, 0};
  return bytes(AttributeType::requested_transport, attribute);
}

MessageBuilder& MessageBuilder::address_family(AttributeType type, SocketAddress::Family family) {
  const std::array<std::uint8_t, 4> attribute{static_cast<std::uint8_t>(family), 0, 0, 0};
  return bytes(type, attribute);
}

MessageBuilder& MessageBuilder::password_algorithm(std::uint16_t number) {
  std::array<std::uint8_t, 4> attribute{};
  write_u16(attribute, 0, number);
  return bytes(AttributeType::password_algorithm, attribute);
}

MessageBuilder& MessageBuilder::error_code(int code, std::string_view reason) {
  return error(AttributeType::error_code, 0, code, reason);
}

MessageBuilder& MessageBuilder::address_error_code(SocketAddress::Family family, int code, std::string_view reason) {
  return error(AttributeType::address_error_code, static_cast<std::uint8_t>(family), code, reason);
}

MessageBuilder& MessageBuilder::error(AttributeType type, std::uint8_t first, int code, std::string_view reason) {
  std::vector<std::uint8_t> attribute{first, 0, static_cast<std::uint8_t>(code / 100),
                                      static_cast<std::uint8_t>(code % 100)};
  attribute.insert(attribute.end(), reason.begin(), reason.end());
  return bytes(type, attribute);
}

MessageBuilder& MessageBuilder::integrity(const IntegrityKey& key) {
  const auto digest = integrity_digest(key, out_, out_.size());
  const auto type = key.algorithm() == IntegrityAlgorithm::sha1 ? AttributeType::message_integrity
                                                                : AttributeType::message_integrity_sha256;
  return bytes(type, Bytes(digest).first(key.size()));
}

MessageBuilder& MessageBuilder::integrity(std::string_view key) {
  return integrity(IntegrityKey(key, IntegrityAlgorithm::sha1));
}

MessageBuilder& MessageBuilder::fingerprint() {
  set_length(out_.size() + fingerprint_size - header_size);
  std::array<std::uint8_t, 4> attribute{};
  write_u32(attribute, 0, crc32(out_) ^ fingerprint_xor);
  return bytes(AttributeType::fingerprint, attribute);
}

}  // namespace turnkeeper::turn
