// What a Client does when a server offers the authentication of RFC 8489 section 9.2, and when somebody on the path
// would rather it did not.
#include <algorithm>

#include "client_fixture.hpp"

namespace turnkeeper::turn {
namespace {

using ClientAuthenticationTest = ClientTest;

TEST_F(ClientAuthenticationTest, UsesSha256WhereTheServerOffersIt) {
  server.algorithms = {PasswordAlgorithm::sha256, PasswordAlgorithm::md5};
  allocate();
  client.bind_channel(server.relayed, clock.steady());
  exchange();
  EXPECT_NE(find<ChannelBound>(), nullptr);
  EXPECT_EQ(failure(), nullptr);
  EXPECT_TRUE(client.uses_sha256());
  const auto request = Message::decode(sent.back());
  EXPECT_FALSE(request->find(AttributeType::message_integrity));
  EXPECT_EQ(request->find(AttributeType::password_algorithm)->size(), 4U);
  client.release(clock.steady());
  exchange();
  EXPECT_FALSE(server.allocated);
}

TEST_F(ClientAuthenticationTest, TheServersOrderOfAlgorithmsDecides) {
  server.algorithms = {PasswordAlgorithm::md5, PasswordAlgorithm::sha256};
  allocate();
  EXPECT_NE(find<Allocated>(), nullptr);
  EXPECT_TRUE(client.uses_sha256());
}

TEST_F(ClientAuthenticationTest, HidesTheUserNameWhereTheServerWantsThat) {
  for (const auto& algorithms : {std::vector<PasswordAlgorithm>{}, {PasswordAlgorithm::sha256}}) {
    client = Client(config());
    events.clear();
    sent.clear();
    server.anonymous = true;
    server.algorithms = algorithms;
    allocate();
    EXPECT_NE(find<Allocated>(), nullptr);
    const std::string_view name = "1700086400:probe";
    for (const auto& request : sent) {
      EXPECT_EQ(std::search(request.begin(), request.end(), name.begin(), name.end()), request.end());
    }
  }
}

TEST_F(ClientAuthenticationTest, AChallengeWithItsAlgorithmsRemovedIsNotAnswered) {
  server.algorithms = {PasswordAlgorithm::sha256};
  server.tamper = [&](const Message& request, Datagram) {
    return MessageBuilder(request.method(), MessageClass::error, request.transaction_id())
        .error_code(401, "Unauthorized")
        .text(AttributeType::realm, server.realm)
        .text(AttributeType::nonce, server.full_nonce())
        .finish();
  };
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::malformed);
  EXPECT_NE(failure()->reason.find("PASSWORD-ALGORITHMS"), std::string::npos);
  EXPECT_EQ(sent.size(), 1U);
}

TEST_F(ClientAuthenticationTest, AnAlgorithmListThatWasChangedOnTheWayIsNoticedByTheServer) {
  server.algorithms = {PasswordAlgorithm::sha256, PasswordAlgorithm::md5};
  server.tamper = [](const Message& request, Datagram answer) {
    const Datagram offered{0, 2, 0, 0, 0, 1, 0, 0};
    const Datagram changed{0, 2, 0, 0, 0, 9, 0, 0};
    if (request.find(AttributeType::password_algorithms)) return answer;
    const auto at = std::search(answer.begin(), answer.end(), offered.begin(), offered.end());
    std::copy(changed.begin(), changed.end(), at);
    return answer;
  };
  allocate();
  EXPECT_EQ(find<Allocated>(), nullptr);
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->code, 400);
}

TEST_F(ClientAuthenticationTest, ALaterChallengeCannotTakeSha256Back) {
  server.algorithms = {PasswordAlgorithm::sha256};
  allocate();
  ASSERT_NE(find<Allocated>(), nullptr);
  // 438 needs no signature: anybody on the path can send one, without cookie and algorithms or with weaker ones.
  for (const bool weaker : {false, true}) {
    sent.clear();
    events.clear();
    server.tamper = [&](const Message& request, Datagram) {
      MessageBuilder builder(request.method(), MessageClass::error, request.transaction_id());
      builder.error_code(438, "Stale Nonce")
          .text(AttributeType::realm, server.realm)
          .text(AttributeType::nonce, weaker ? "obMatJos2gAAAnonce" : "nonce");
      if (weaker) builder.bytes(AttributeType::password_algorithms, Datagram{0, 1, 0, 0});
      return builder.finish();
    };
    client.refresh(clock.steady());
    exchange();
    ASSERT_NE(failure(), nullptr);
    for (const auto& request : sent) {
      EXPECT_FALSE(Message::decode(request)->find(AttributeType::message_integrity));
      EXPECT_TRUE(Message::decode(request)->find(AttributeType::message_integrity_sha256));
    }
  }
  EXPECT_TRUE(client.uses_sha256());
  // And it recovers when the server itself answers again.
  server.tamper = nullptr;
  events.clear();
  client.refresh(clock.steady());
  exchange();
  EXPECT_NE(find<Refreshed>(), nullptr);
}

TEST_F(ClientAuthenticationTest, AnAnswerSignedWithTheWeakerDigestIsNotBelieved) {
  server.algorithms = {PasswordAlgorithm::sha256};
  server.tamper = [&](const Message& request, Datagram answer) {
    if (!request.find(AttributeType::message_integrity_sha256)) return answer;
    const auto key = long_term_key(server.username, server.realm, server.password, PasswordAlgorithm::sha256);
    return MessageBuilder(request.method(), MessageClass::success, request.transaction_id())
        .address(AttributeType::xor_relayed_address, server.relayed)
        .lifetime(600s)
        .integrity(IntegrityKey(key.reveal(), IntegrityAlgorithm::sha1))
        .finish();
  };
  allocate();
  EXPECT_EQ(find<Allocated>(), nullptr);
  EXPECT_EQ(client.forged(), 1);
}

TEST_F(ClientAuthenticationTest, ARotatedPasswordIsUnauthorizedUnderSha256Too) {
  server.algorithms = {PasswordAlgorithm::sha256};
  server.password = Secret("rotated");
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->kind, Failure::Kind::unauthorized);
}

}  // namespace
}  // namespace turnkeeper::turn
