#include "turnkeeper/turn/integrity.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "rfc5769.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::turn {
namespace {

std::string hmac(IntegrityAlgorithm algorithm, const std::string& key, const std::string& head,
                 const std::string& rest) {
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  const IntegrityKey integrity(key, algorithm);
  const auto digest = integrity.digest(bytes(head), bytes(rest));
  return hex_encode({reinterpret_cast<const char*>(digest.data()), integrity.size()});
}

TEST(Integrity, Sha1GivesTheValuesOfRfc2202) {
  EXPECT_EQ(hmac(IntegrityAlgorithm::sha1, "Jefe", "what do ya want ", "for nothing?"),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hmac(IntegrityAlgorithm::sha1, std::string(80, '\xAA'), "Test Using Larger Than Block-Size Key",
                 " - Hash Key First"),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST(Integrity, Sha256GivesTheValuesOfRfc4231) {
  EXPECT_EQ(hmac(IntegrityAlgorithm::sha256, "Jefe", "", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac(IntegrityAlgorithm::sha256, std::string(131, '\xAA'),
                 "Test Using Larger Than Block-Size Key - Hash Key First", ""),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 8489 appendix B.1. The length in the sample's header counts the header too, which no message may do, so the
// sample cannot be decoded; its digest covers those bytes all the same.
TEST(Integrity, Rfc8489SampleRequestHasItsDigestAndUserHash) {
  const auto sample = rfc5769::from_hex(
      "00 01 00 9c 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e"
      "00 1e 00 20 4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f 24 81 94 15 56 9e 60 b2 05 c4 6e 41 40 7f 17 04"
      "00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39"
      "46 53 54 76 79 36 34 73 41 00 00 00"
      "00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00"
      "00 1c 00 20 e4 68 6c 8f 0e de b5 90 13 e0 70 90 01 0a 93 ef cc bc cc 54 4c 0a 45 d9 f8 30 aa 6d 6f 73 5a 01");
  const std::string username = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9";
  const auto key = long_term_key(username, "example.org", Secret("TheMatrIX"), PasswordAlgorithm::sha256);
  const std::span bytes(sample);
  const auto digest =
      IntegrityKey(key.reveal(), IntegrityAlgorithm::sha256).digest(bytes.first(20), bytes.subspan(20, 100));
  EXPECT_TRUE(std::ranges::equal(digest, bytes.last(32)));
  EXPECT_TRUE(std::ranges::equal(user_hash(username, "example.org"), bytes.subspan(24, 32)));
}

TEST(Integrity, OneKeyServesSeveralThreads) {
  const IntegrityKey key("key", IntegrityAlgorithm::sha1);
  const std::array<std::uint8_t, 64> message{};
  const auto expected = key.digest(message, {});
  int different = 0;
  const auto work = [&] {
    int wrong = 0;
    for (int i = 0; i < 2'000; ++i) wrong += key.digest(message, {}) == expected ? 0 : 1;
    return wrong;
  };
  int other = 0;
  std::thread thread([&] { other = work(); });
  different = work();
  thread.join();
  EXPECT_EQ(different + other, 0);
}

}  // namespace
}  // namespace turnkeeper::turn
