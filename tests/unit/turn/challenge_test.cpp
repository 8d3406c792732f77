#include "turnkeeper/turn/challenge.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace turnkeeper::turn {
namespace {

using Datagram = std::vector<std::uint8_t>;

Result<Challenge> read(const std::string& nonce, const Datagram& algorithms) {
  MessageBuilder builder(Method::allocate, MessageClass::error, random_transaction_id());
  builder.error_code(401, "Unauthorized").text(AttributeType::realm, "example.org").text(AttributeType::nonce, nonce);
  if (!algorithms.empty()) builder.bytes(AttributeType::password_algorithms, algorithms);
  const auto bytes = builder.finish();
  return read_challenge(*Message::decode(bytes));
}

const Datagram md5_only{0, 1, 0, 0};
const Datagram sha256_first{0, 2, 0, 0, 0, 1, 0, 0};
const Datagram unknown_then_sha256{0, 9, 0, 3, 7, 7, 7, 0, 0, 2, 0, 0};

TEST(Challenge, AnOrdinaryNonceMeansMd5AndMessageIntegrity) {
  const auto challenge = read("a6c5fa1b2e", {});
  ASSERT_TRUE(challenge) << challenge.error().text();
  EXPECT_EQ(challenge->realm, "example.org");
  EXPECT_EQ(challenge->nonce, "a6c5fa1b2e");
  EXPECT_EQ(challenge->algorithm, PasswordAlgorithm::md5);
  EXPECT_EQ(challenge->integrity(), IntegrityAlgorithm::sha1);
  EXPECT_FALSE(challenge->anonymous);
}

TEST(Challenge, TheFirstKnownAlgorithmIsChosen) {
  const auto preferred = read("obMatJos2gAAAnonce", sha256_first);
  ASSERT_TRUE(preferred) << preferred.error().text();
  EXPECT_EQ(preferred->algorithm, PasswordAlgorithm::sha256);
  EXPECT_EQ(preferred->algorithms, sha256_first);
  EXPECT_EQ(preferred->integrity(), IntegrityAlgorithm::sha256);

  EXPECT_EQ(read("obMatJos2gAAAnonce", unknown_then_sha256)->algorithm, PasswordAlgorithm::sha256);
  // The digest of the message is SHA-256 whatever the key is made with.
  EXPECT_EQ(read("obMatJos2gAAAnonce", md5_only)->integrity(), IntegrityAlgorithm::sha256);
  EXPECT_EQ(read("obMatJos2gAAAnonce", md5_only)->algorithm, PasswordAlgorithm::md5);
}

TEST(Challenge, TheNonceSaysWhetherTheUserNameIsHidden) {
  EXPECT_TRUE(read("obMatJos2QAAAnonce", {})->anonymous);
  EXPECT_TRUE(read("obMatJos2wAAAnonce", sha256_first)->anonymous);
  EXPECT_FALSE(read("obMatJos2gAAAnonce", sha256_first)->anonymous);
  // The sample nonce of RFC 8489 appendix B.1 sets a bit that means nothing yet.
  EXPECT_FALSE(read("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA", {})->anonymous);
}

TEST(Challenge, AListThatWasRemovedOnTheWayIsNotAnswered) {
  const auto stripped = read("obMatJos2gAAAnonce", {});
  ASSERT_FALSE(stripped);
  EXPECT_NE(stripped.error().message.find("PASSWORD-ALGORITHMS"), std::string::npos);
}

TEST(Challenge, WithoutAKnownAlgorithmThereIsNoAnswer) {
  EXPECT_FALSE(read("obMatJos2gAAAnonce", {0, 9, 0, 0}));
  EXPECT_FALSE(read("obMatJos2gAAAnonce", {0, 9, 0xFF, 0xFF}));
  EXPECT_FALSE(read("obMatJos2gAAAnonce", {0, 9}));
  EXPECT_FALSE(read("obMatJos2gAAAnonce", Datagram(4096, 0)));
}

TEST(Challenge, ACookieThatIsCutOffOrNotBase64IsAnOrdinaryNonce) {
  for (const auto* nonce : {"obMatJos2", "obMatJos2gA", "obMatJos2g===", "obMatJos2!!!!rest", "xobMatJos2gAAA"}) {
    const auto challenge = read(nonce, {});
    ASSERT_TRUE(challenge) << nonce;
    EXPECT_FALSE(challenge->anonymous);
  }
}

}  // namespace
}  // namespace turnkeeper::turn
