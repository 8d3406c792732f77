#include "turnkeeper/turn/credentials.hpp"

#include <gtest/gtest.h>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::turn {
namespace {

using namespace std::chrono_literals;

TEST(Credentials, PasswordMatchesThePublishedCheckValue) {
  EXPECT_EQ(time_limited_password(Secret("north"), "1266890800:mbzrxpgjys").reveal(), "nbRcrnq5h6xXhyNhlwk+lDLvVVo=");
}

TEST(Credentials, UserNameCarriesTheExpiry) {
  const auto expires = SystemTime(1266890800s);
  const auto credential = time_limited_credential(Secret("north"), "mbzrxpgjys", expires + 900ms);
  EXPECT_EQ(credential.username, "1266890800:mbzrxpgjys");
  EXPECT_EQ(credential.password.reveal(), "nbRcrnq5h6xXhyNhlwk+lDLvVVo=");
  EXPECT_EQ(credential.expires, expires);
  EXPECT_EQ(time_limited_credential(Secret("north"), "", expires).username, "1266890800");
}

TEST(Credentials, AnotherSecretGivesAnotherPassword) {
  EXPECT_NE(time_limited_password(Secret("north"), "1:u"), time_limited_password(Secret("south"), "1:u"));
}

TEST(Credentials, LongTermKeyIsTheDigestOfRfc8489) {
  // RFC 8489 section 9.2.2's example: user "user", realm "realm", password "pass".
  EXPECT_EQ(hex_encode(long_term_key("user", "realm", Secret("pass")).reveal()), "8493fbc53ba582fb4c044c456bdc40eb");
}

TEST(Credentials, Sha256KeyAndUserHashAreTheDigestsOfTheirTexts) {
  // sha256sum of "user:realm:pass" and of "user:realm".
  EXPECT_EQ(hex_encode(long_term_key("user", "realm", Secret("pass"), PasswordAlgorithm::sha256).reveal()),
            "07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b");
  const auto hash = user_hash("user", "realm");
  EXPECT_EQ(hex_encode({reinterpret_cast<const char*>(hash.data()), hash.size()}),
            "6a3029116b47aa98bcaa325399733dc1a23cd57e26b81bef3ff6531ce624e2da");
}

}  // namespace
}  // namespace turnkeeper::turn
