#include "turnkeeper/turn/message.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {
namespace {

constexpr std::size_t attribute_header = 4;
constexpr std::size_t sha1_size = 20;
constexpr std::size_t integrity_size = attribute_header + sha1_size;
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
    case AttributeType::xor_mapped_address:
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

std::array<std::uint8_t, sha1_size> hmac_sha1(std::string_view key, Bytes bytes) {
  std::array<std::uint8_t, sha1_size> digest{};
  unsigned size = digest.size();
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), digest.data(), &size);
  return digest;
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

  bool sealed = false;  // behind MESSAGE-INTEGRITY
  for (std::size_t at = header_size; at < datagram.size();) {
    if (datagram.size() - at < attribute_header) return fail("truncated STUN attribute header");
    const auto attribute = static_cast<AttributeType>(read_u16(datagram, at));
    const std::size_t value_length = read_u16(datagram, at + 2);
    const std::size_t next = at + attribute_header + padded(value_length);
    if (next > datagram.size()) return fail("STUN attribute runs past the end of the message");

    if (attribute == AttributeType::fingerprint) {
      if (value_length != 4 || next != datagram.size()) return fail("FINGERPRINT is not the last attribute");
      message.fingerprint_at_ = at;
    } else if (!sealed) {
      if (attribute == AttributeType::message_integrity) {
        if (value_length != sha1_size) return fail("MESSAGE-INTEGRITY has the wrong length");
        message.integrity_at_ = at;
        sealed = true;
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

std::optional<Bytes> Message::find(AttributeType type) const {
  for (std::size_t at = header_size; at < attributes_end_;) {
    const std::size_t length = read_u16(bytes_, at + 2);
    if (static_cast<AttributeType>(read_u16(bytes_, at)) == type) {
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

std::optional<SocketAddress> Message::address(AttributeType type) const {
  const auto value = find(type);
  const auto address = value ? decode_address(*value) : std::nullopt;
  return address && xored(type) ? apply_xor(*address, bytes_) : address;
}

std::optional<ErrorCode> Message::error_code() const {
  const auto value = find(AttributeType::error_code);
  if (!value || value->size() < 4) return std::nullopt;
  const int hundreds = (*value)[2] & 0x07;
  const int rest = (*value)[3];
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  constexpr std::size_t max_reason = 763;  // RFC 8489 section 14.8
  const auto reason = value->subspan(4).first(std::min(value->size() - 4, max_reason));
  return ErrorCode{hundreds * 100 + rest,
                   std::string_view(reinterpret_cast<const char*>(reason.data()), reason.size())};
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

Check Message::check_integrity(std::string_view key) const {
  if (integrity_at_ == 0) return Check::absent;
  // The digest covers everything before the attribute, under a header whose length ends right behind it.
  std::vector<std::uint8_t> covered(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(integrity_at_));
  write_u16(covered, 2, static_cast<std::uint16_t>(integrity_at_ + integrity_size - header_size));
  const auto digest = hmac_sha1(key, covered);
  const auto sent = bytes_.subspan(integrity_at_ + attribute_header, sha1_size);
  return CRYPTO_memcmp(digest.data(), sent.data(), sha1_size) == 0 ? Check::good : Check::wrong;
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

MessageBuilder& MessageBuilder::error_code(int code, std::string_view reason) {
  std::vector<std::uint8_t> attribute{0, 0, static_cast<std::uint8_t>(code / 100),
                                      static_cast<std::uint8_t>(code % 100)};
  attribute.insert(attribute.end(), reason.begin(), reason.end());
  return bytes(AttributeType::error_code, attribute);
}

MessageBuilder& MessageBuilder::integrity(std::string_view key) {
  set_length(out_.size() + integrity_size - header_size);
  const auto digest = hmac_sha1(key, out_);
  return bytes(AttributeType::message_integrity, digest);
}

MessageBuilder& MessageBuilder::fingerprint() {
  set_length(out_.size() + fingerprint_size - header_size);
  std::array<std::uint8_t, 4> attribute{};
  write_u32(attribute, 0, crc32(out_) ^ fingerprint_xor);
  return bytes(AttributeType::fingerprint, attribute);
}

}  // namespace turnkeeper::turn
