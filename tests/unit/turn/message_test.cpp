#include "turnkeeper/turn/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

#include "rfc5769.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::turn {
namespace {

using Datagram = std::vector<std::uint8_t>;

// Calls everything that reads the message. A buffer of exactly its size, so that a sanitizer sees a read past the end.
void read_all(Bytes bytes) {
  const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const Bytes datagram(exact.get(), bytes.size());
  if (const auto data = decode_channel_data(datagram)) {
    ASSERT_LE(data->payload.size() + channel_header_size, datagram.size());
  }
  const auto message = Message::decode(datagram);
  if (!message) {
    ASSERT_FALSE(message.error().message.empty());
    return;
  }
  const auto inside = [&](Bytes part) {
    ASSERT_GE(part.data(), datagram.data());
    ASSERT_LE(part.data() + part.size(), datagram.data() + datagram.size());
  };
  for (unsigned type = 0; type <= 0x30; ++type) {
    const auto attribute = static_cast<AttributeType>(type);
    if (const auto value = message->find(attribute)) inside(*value);
    (void)message->address(attribute);
    (void)message->text(attribute);
  }
  (void)message->address(AttributeType::alternate_server);
  if (const auto error = message->error_code()) {
    ASSERT_GE(error->code, 300);
    ASSERT_LE(error->code, 699);
    inside(Bytes(reinterpret_cast<const std::uint8_t*>(error->reason.data()), error->reason.size()));
  }
  (void)message->lifetime();
  (void)message->channel_number();
  (void)message->check_integrity("key");
  (void)message->check_fingerprint();
}

Datagram allocate_success() {
  return MessageBuilder(Method::allocate, MessageClass::success, random_transaction_id())
      .address(AttributeType::xor_relayed_address, *SocketAddress::parse("192.0.2.9:50000"))
      .address(AttributeType::xor_mapped_address, *SocketAddress::parse("[2001:db8::7]:40000"))
      .lifetime(std::chrono::seconds(600))
      .text(AttributeType::software, "relay")
      .integrity("key")
      .fingerprint()
      .finish();
}

Datagram unauthorized() {
  return MessageBuilder(Method::allocate, MessageClass::error, random_transaction_id())
      .error_code(401, "Unauthorized")
      .text(AttributeType::realm, "example.org")
      .text(AttributeType::nonce, "f//499k954d6OL34oL9FSTvy64sA")
      .finish();
}

Datagram redirect() {
  return MessageBuilder(Method::allocate, MessageClass::error, random_transaction_id())
      .error_code(300, "Try Alternate")
      .address(AttributeType::alternate_server, *SocketAddress::parse("198.51.100.4:3478"))
      .finish();
}

std::vector<Datagram> real_messages() {
  return {rfc5769::request(),
          rfc5769::ipv4_response(),
          rfc5769::ipv6_response(),
          rfc5769::long_term_request(),
          allocate_success(),
          unauthorized(),
          redirect()};
}

TEST(Rfc5769, SampleRequestIsReadAndVerified) {
  const auto bytes = rfc5769::request();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message) << message.error().text();
  EXPECT_EQ(message->method(), Method::binding);
  EXPECT_EQ(message->message_class(), MessageClass::request);
  EXPECT_EQ(message->transaction_id()[0], 0xb7);
  EXPECT_EQ(message->transaction_id()[11], 0xae);
  EXPECT_EQ(message->text(AttributeType::username), "evtj:h6vY");
  EXPECT_EQ(message->text(AttributeType::software), "STUN test client");
  EXPECT_EQ(message->check_integrity(rfc5769::password), Check::good);
  EXPECT_EQ(message->check_integrity("another password"), Check::wrong);
  EXPECT_EQ(message->check_fingerprint(), Check::good);
}

TEST(Rfc5769, SampleResponsesGiveTheirAddresses) {
  for (const auto& [bytes, address] :
       {std::pair(rfc5769::ipv4_response(), "192.0.2.1:32853"),
        std::pair(rfc5769::ipv6_response(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853")}) {
    const auto message = Message::decode(bytes);
    ASSERT_TRUE(message) << message.error().text();
    EXPECT_EQ(message->message_class(), MessageClass::success);
    EXPECT_EQ(message->address(AttributeType::xor_mapped_address)->to_string(), address);
    EXPECT_EQ(message->check_integrity(rfc5769::password), Check::good);
    EXPECT_EQ(message->check_fingerprint(), Check::good);
  }
}

TEST(Rfc5769, BuilderWritesTheSampleResponses) {
  for (const auto& [bytes, address] :
       {std::pair(rfc5769::ipv4_response(), "192.0.2.1:32853"),
        std::pair(rfc5769::ipv6_response(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853")}) {
    // The RFC pads SOFTWARE with a space, which integrity and fingerprint cover: the twelfth byte, then cut to 11.
    auto prefix = MessageBuilder(Method::binding, MessageClass::success, Message::decode(bytes)->transaction_id())
                      .text(AttributeType::software, "test vector ")
                      .address(AttributeType::xor_mapped_address, *SocketAddress::parse(address))
                      .finish();
    prefix[header_size + 3] = 11;
    EXPECT_TRUE(std::equal(prefix.begin() + header_size, prefix.end(), bytes.begin() + header_size));
  }
}

TEST(Rfc5769, LongTermRequestIsWrittenByteForByte) {
  const auto bytes = rfc5769::long_term_request();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message) << message.error().text();
  const std::string username = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9";
  const auto key = long_term_key(username, "example.org", Secret("TheMatrIX"));
  EXPECT_EQ(message->check_integrity(key.reveal()), Check::good);
  EXPECT_EQ(message->check_fingerprint(), Check::absent);
  EXPECT_EQ(MessageBuilder(Method::binding, MessageClass::request, message->transaction_id())
                .text(AttributeType::username, username)
                .text(AttributeType::nonce, "f//499k954d6OL34oL9FSTvy64sA")
                .text(AttributeType::realm, "example.org")
                .integrity(key.reveal())
                .finish(),
            bytes);
}

TEST(Message, WhatIsBuiltIsReadBack) {
  const auto bytes = allocate_success();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message) << message.error().text();
  EXPECT_EQ(message->method(), Method::allocate);
  EXPECT_EQ(message->message_class(), MessageClass::success);
  EXPECT_EQ(message->address(AttributeType::xor_relayed_address)->to_string(), "192.0.2.9:50000");
  EXPECT_EQ(message->address(AttributeType::xor_mapped_address)->to_string(), "[2001:db8::7]:40000");
  EXPECT_EQ(message->lifetime(), std::chrono::seconds(600));
  EXPECT_EQ(message->check_integrity("key"), Check::good);
  EXPECT_EQ(message->check_fingerprint(), Check::good);
  EXPECT_FALSE(message->has_unknown_required());

  const auto error_bytes = redirect();
  const auto error = Message::decode(error_bytes);
  EXPECT_EQ(error->error_code()->code, 300);
  EXPECT_EQ(error->error_code()->reason, "Try Alternate");
  EXPECT_EQ(error->address(AttributeType::alternate_server)->to_string(), "198.51.100.4:3478");

  const auto bind_bytes = MessageBuilder(Method::channel_bind, MessageClass::request, random_transaction_id())
                              .channel_number(0x4001)
                              .finish();
  EXPECT_EQ(Message::decode(bind_bytes)->channel_number(), 0x4001);
  EXPECT_EQ(Message::decode(bind_bytes)->method(), Method::channel_bind);
}

TEST(Message, EveryMethodAndClassSurvivesTheTypeField) {
  for (unsigned method = 0; method < 0x1000; ++method) {
    for (unsigned message_class = 0; message_class < 4; ++message_class) {
      const auto bytes =
          MessageBuilder(static_cast<Method>(method), static_cast<MessageClass>(message_class), {}).finish();
      const auto message = Message::decode(bytes);
      ASSERT_TRUE(message);
      ASSERT_EQ(static_cast<unsigned>(message->method()), method);
      ASSERT_EQ(static_cast<unsigned>(message->message_class()), message_class);
    }
  }
}

TEST(Message, AChangedByteIsNoticed) {
  const auto original = allocate_success();
  // Not in FINGERPRINT's own header, without which there is none to check.
  for (std::size_t i = 0; i < original.size() - 8; ++i) {
    auto bytes = original;
    bytes[i] ^= 0x10;
    const auto message = Message::decode(bytes);
    if (!message) continue;
    EXPECT_NE(message->check_fingerprint(), Check::good) << "byte " << i;
    EXPECT_NE(message->check_integrity("key"), Check::good) << "byte " << i;
  }
}

TEST(Message, AttributesBehindTheIntegrityAreNotBelieved) {
  auto bytes = MessageBuilder(Method::refresh, MessageClass::success, {})
                   .integrity("key")
                   .lifetime(std::chrono::seconds(600))
                   .finish();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->lifetime());
}

TEST(Message, BothIntegritiesAreCheckedEachWithItsOwnKey) {
  const IntegrityKey sha1("key", IntegrityAlgorithm::sha1);
  const IntegrityKey sha256("another key", IntegrityAlgorithm::sha256);
  auto bytes = MessageBuilder(Method::refresh, MessageClass::success, random_transaction_id())
                   .lifetime(std::chrono::seconds(600))
                   .integrity(sha1)
                   .integrity(sha256)
                   .fingerprint()
                   .finish();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message) << message.error().text();
  EXPECT_EQ(message->check_integrity(sha1), Check::good);
  EXPECT_EQ(message->check_integrity(sha256), Check::good);
  EXPECT_EQ(message->check_integrity(IntegrityKey("key", IntegrityAlgorithm::sha256)), Check::wrong);
  EXPECT_EQ(message->check_fingerprint(), Check::good);

  const auto only = MessageBuilder(Method::refresh, MessageClass::success, {}).integrity(sha256).finish();
  EXPECT_EQ(Message::decode(only)->check_integrity(sha1), Check::absent);
  EXPECT_EQ(Message::decode(only)->check_integrity(sha256), Check::good);
}

TEST(Message, NothingBehindTheSha256IntegrityIsBelieved) {
  const IntegrityKey sha256("key", IntegrityAlgorithm::sha256);
  const auto bytes = MessageBuilder(Method::refresh, MessageClass::success, {})
                         .integrity(sha256)
                         .lifetime(std::chrono::seconds(600))
                         .integrity("a key of the attacker")
                         .finish();
  const auto message = Message::decode(bytes);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->lifetime());
  EXPECT_EQ(message->check_integrity("a key of the attacker"), Check::absent);
  EXPECT_EQ(message->check_integrity(sha256), Check::good);
}

TEST(Message, AShortenedSha256IntegrityIsRejected) {
  const auto bytes = MessageBuilder(Method::refresh, MessageClass::success, {})
                         .bytes(AttributeType::message_integrity_sha256, std::vector<std::uint8_t>(16))
                         .finish();
  EXPECT_FALSE(Message::decode(bytes));
}

TEST(Message, TheSecondAddressOfADualAllocationIsFound) {
  const auto bytes = MessageBuilder(Method::allocate, MessageClass::success, random_transaction_id())
                         .address(AttributeType::xor_relayed_address, *SocketAddress::parse("192.0.2.9:50000"))
                         .lifetime(std::chrono::seconds(600))
                         .address(AttributeType::xor_relayed_address, *SocketAddress::parse("[2001:db8::9]:50001"))
                         .address_error_code(SocketAddress::Family::ipv6, 440, "no")
                         .finish();
  const auto message = Message::decode(bytes);
  EXPECT_EQ(message->address(AttributeType::xor_relayed_address)->to_string(), "192.0.2.9:50000");
  EXPECT_EQ(message->address(AttributeType::xor_relayed_address, 1)->to_string(), "[2001:db8::9]:50001");
  EXPECT_FALSE(message->address(AttributeType::xor_relayed_address, 2));
  EXPECT_EQ(message->address_error_code()->code, 440);
  EXPECT_FALSE(message->has_unknown_required());
}

TEST(Message, UnknownComprehensionRequiredAttributesAreReported) {
  const auto required = MessageBuilder(Method::allocate, MessageClass::success, {})
                            .text(static_cast<AttributeType>(0x7ABC), "?")
                            .finish();
  EXPECT_TRUE(Message::decode(required)->has_unknown_required());
  const auto optional = MessageBuilder(Method::allocate, MessageClass::success, {})
                            .text(static_cast<AttributeType>(0xFABC), "?")
                            .finish();
  EXPECT_FALSE(Message::decode(optional)->has_unknown_required());
}

TEST(Message, NoPrefixOfAMessageIsAMessage) {
  for (const auto& bytes : real_messages()) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(Message::decode(Bytes(bytes).first(size))) << size << " of " << bytes.size() << " bytes";
      read_all(Bytes(bytes).first(size));
    }
    EXPECT_TRUE(Message::decode(bytes));
  }
}

TEST(Message, MutatedMessagesAreRejectedOrReadSafely) {
  std::mt19937 random(20260801);
  const auto messages = real_messages();
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  int accepted = 0;
  constexpr int rounds = 300'000;
  for (int round = 0; round < rounds; ++round) {
    auto bytes = messages[below(messages.size())];
    for (auto changes = 1 + below(4); changes > 0; --changes) {
      switch (below(4)) {
        case 0:
          bytes[below(bytes.size())] = static_cast<std::uint8_t>(random());
          break;
        case 1:
          bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1U << below(8));
          break;
        case 2: {  // an attribute's length field is where the danger lies
          const auto at = header_size + 4 * below((bytes.size() - header_size) / 4);
          bytes[at + 3] = static_cast<std::uint8_t>(random());
          break;
        }
        default:  // cut or grown, with a header that says so
          bytes.resize(header_size + 4 * (1 + below(60)), static_cast<std::uint8_t>(random()));
          bytes[2] = 0;
          bytes[3] = static_cast<std::uint8_t>(bytes.size() - header_size);
      }
    }
    if (Message::decode(bytes)) ++accepted;
    read_all(bytes);
    if (HasFatalFailure()) return;
  }
  // Both outcomes are exercised, or the mutations are useless.
  EXPECT_GT(accepted, rounds / 20);
  EXPECT_LT(accepted, rounds - rounds / 20);
}

TEST(Message, RandomBytesAreReadSafely) {
  std::mt19937 random(7);
  for (int round = 0; round < 100'000; ++round) {
    Datagram bytes(random() % 120);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (bytes.size() >= header_size && round % 2 == 0) {
      bytes[0] &= 0x3F;
      bytes[2] = 0;
      bytes[3] = static_cast<std::uint8_t>(bytes.size() - header_size);
      const std::uint8_t cookie[] = {0x21, 0x12, 0xA4, 0x42};
      std::memcpy(bytes.data() + 4, cookie, 4);
    }
    read_all(bytes);
    if (HasFatalFailure()) return;
  }
}

TEST(ChannelData, IsFramedAndReadBack) {
  std::array<std::uint8_t, 64> out{};
  const std::vector<std::uint8_t> payload{1, 2, 3, 4, 5};
  const auto frame = encode_channel_data(out, 0x4001, payload);
  ASSERT_EQ(frame.size(), 9U);
  const auto data = decode_channel_data(frame);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->channel, 0x4001);
  EXPECT_TRUE(std::ranges::equal(data->payload, payload));
  // Padding behind the payload is allowed over UDP, RFC 8656 section 12.5.
  EXPECT_TRUE(std::ranges::equal(decode_channel_data(Bytes(out).first(12))->payload, payload));
}

TEST(ChannelData, WhatDoesNotFitIsRefused) {
  std::array<std::uint8_t, 8> out{};
  EXPECT_TRUE(encode_channel_data(out, 0x4001, std::vector<std::uint8_t>(5)).empty());
  EXPECT_EQ(encode_channel_data(out, 0x4001, std::vector<std::uint8_t>(4)).size(), 8U);
  EXPECT_FALSE(decode_channel_data(std::vector<std::uint8_t>{0x40, 0x01, 0x00, 0x05, 1, 2, 3, 4}));
  EXPECT_FALSE(decode_channel_data(std::vector<std::uint8_t>{0x40, 0x01, 0x00}));
  EXPECT_FALSE(decode_channel_data(std::vector<std::uint8_t>{0x50, 0x00, 0x00, 0x00}));
  EXPECT_FALSE(decode_channel_data(rfc5769::request()));
}

}  // namespace
}  // namespace turnkeeper::turn
