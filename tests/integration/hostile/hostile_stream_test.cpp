#include "hostile_fixture.hpp"

namespace turnkeeper::test {
namespace {

using turn::AttributeType;
using turn::Bytes;
using turn::Message;
using turn::MessageBuilder;
using turn::MessageClass;
using turn::Method;

using HostileStreamTest = HostileTest;

Datagram challenge(Bytes heard) {
  const auto message = Message::decode(heard);
  return MessageBuilder(Method::allocate, MessageClass::error, message->transaction_id())
      .error_code(401, "Unauthorized")
      .text(AttributeType::realm, "example.org")
      .text(AttributeType::nonce, "nonce")
      .finish();
}

// The answer is a true one, a byte at a time.
HostileStreamRelay::Behaviour drip() {
  return [](Bytes heard, int call) -> std::optional<Datagram> {
    const auto answer = challenge(heard);
    const auto at = static_cast<std::size_t>(call);
    return at < answer.size() ? Datagram{answer[at]} : Datagram{};
  };
}

TEST_F(HostileStreamTest, AnAnswerThatDripsIsSilence) {
  HostileStreamRelay relay(drip(), 200ms);
  expect(probe(relay.endpoint()), Cause::connect_timeout);
  EXPECT_EQ(relay.connections(), 1);
  EXPECT_LT(relay.received(), 1'000U);
  EXPECT_TRUE(relay.all_closed_within(2s));
}

TEST_F(HostileStreamTest, AnAnswerInSingleBytesIsAnAnswer) {
  HostileStreamRelay relay(drip(), 1ms);
  expect(probe(relay.endpoint()), Cause::allocate_timeout);
  EXPECT_TRUE(relay.all_closed_within(2s));
}

TEST_F(HostileStreamTest, AMessageThatNeverEndsIsSilence) {
  HostileStreamRelay relay(
      [](Bytes heard, int call) -> std::optional<Datagram> {
        if (call > 0) return Datagram{};
        Datagram begun(heard.begin(), heard.begin() + turn::header_size);
        begun[0] = 1;
        begun[2] = 0xFF;
        begun[3] = 0xFC;
        return begun;
      },
      100ms);
  expect(probe(relay.endpoint()), Cause::connect_timeout);
  EXPECT_TRUE(relay.all_closed_within(2s));
}

TEST_F(HostileStreamTest, GarbageIsNamedAtOnce) {
  HostileStreamRelay relay(
      [](Bytes, int) -> std::optional<Datagram> {
        const std::string_view text = "SSH-2.0-OpenSSH_9.2p1\r\n";
        return Datagram(text.begin(), text.end());
      },
      10ms);
  const auto result = probe(relay.endpoint());
  expect(result, Cause::protocol);
  EXPECT_LT(result.total, 500ms);
  EXPECT_TRUE(relay.all_closed_within(2s));
}

// "HT" is a channel's number, so a web server's answer begins like a long payload that never comes.
TEST_F(HostileStreamTest, AWebServerIsSilence) {
  HostileStreamRelay relay(
      [](Bytes, int call) -> std::optional<Datagram> {
        const std::string_view text = call == 0 ? "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" : "";
        return Datagram(text.begin(), text.end());
      },
      10ms);
  expect(probe(relay.endpoint()), Cause::connect_timeout);
}

TEST_F(HostileStreamTest, AConnectionThatEndsInsteadOfAnAnswerIsNamedAtOnce) {
  HostileStreamRelay relay([](Bytes, int) { return std::nullopt; }, 0ms);
  const auto result = probe(relay.endpoint());
  expect(result, Cause::protocol);
  EXPECT_LT(result.total, 500ms);
}

// As much as the connection carries, of whole messages that answer nothing: the deadline holds, and memory stays.
TEST_F(HostileStreamTest, AnEndlessStreamOfMessagesDoesNotHoldUpTheDeadline) {
  HostileStreamRelay relay(
      [](Bytes, int) -> std::optional<Datagram> {
        Datagram stream;
        while (stream.size() < 256 * 1024) {
          Datagram message = MessageBuilder(Method::allocate, MessageClass::success, turn::random_transaction_id())
                                 .bytes(AttributeType::data, Datagram(16'000))
                                 .finish();
          stream.insert(stream.end(), message.begin(), message.end());
        }
        return stream;
      },
      0ms);
  expect(probe(relay.endpoint(), budget), Cause::connect_timeout);
  EXPECT_TRUE(relay.all_closed_within(2s));
}

TEST_F(HostileStreamTest, SixtyFourThousandBytesOfAttributesCostLittle) {
  HostileStreamRelay relay(
      [](Bytes heard, int call) -> std::optional<Datagram> {
        if (call > 0) return Datagram{};
        const auto message = Message::decode(heard);
        MessageBuilder answer(Method::allocate, MessageClass::error, message->transaction_id());
        answer.error_code(486, "Allocation Quota Reached");
        for (int i = 0; i < 16'000; ++i) answer.bytes(static_cast<AttributeType>(0x9000 + i % 1000), {});
        return answer.finish();
      },
      10ms);
  expect(probe(relay.endpoint()), Cause::quota);
}

TEST_F(HostileStreamTest, AForgedAnswerIsNamedAtOnce) {
  HostileStreamRelay relay(
      [](Bytes heard, int) -> std::optional<Datagram> {
        const auto request = Message::decode(heard);
        if (!request || !request->find(AttributeType::username)) return challenge(heard);
        return MessageBuilder(request->method(), MessageClass::success, request->transaction_id())
            .address(AttributeType::xor_relayed_address, *turn::SocketAddress::parse("192.0.2.9:50000"))
            .lifetime(600s)
            .integrity("nobody's key")
            .finish();
      },
      10ms);
  const auto result = probe(relay.endpoint());
  expect(result, Cause::protocol);
  EXPECT_NE(result.detail.find("MESSAGE-INTEGRITY"), std::string::npos) << result.detail;
}

}  // namespace
}  // namespace turnkeeper::test
