#include "monitor/access/api_keys.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

const std::string line_of_abc = "shop sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(ApiKeysTest, AKeyIsFoundByItsHashWithWhatItsLineSays) {
  const auto keys =
      ApiKeys::parse("# keys\n\n" + line_of_abc + " user=kiosk-7 expires=2027-01-31T00:00:00Z # hall\r\n");
  ASSERT_TRUE(keys) << keys.error().text();
  const auto* key = keys->find(key_digest(Secret("abc")));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->name, "shop");
  EXPECT_EQ(key->user, "kiosk-7");
  ASSERT_TRUE(key->expires);
  EXPECT_EQ(rfc3339(*key->expires), "2027-01-31T00:00:00Z");
  for (const auto* wrong : {"", "ab", "abcd", "ABC"})
    EXPECT_EQ(keys->find(key_digest(Secret(wrong))), nullptr) << wrong;
}

TEST(ApiKeysTest, TheLineOfAKeyReadsBackAndDoesNotHoldTheKey) {
  const Secret secret("tk_0123456789");
  const ApiKey key{.name = "a.b-c_1", .user = "u@example.org", .expires = *parse_rfc3339("2030-02-03T04:05:06Z")};
  const auto line = key_line(key, secret);
  EXPECT_EQ(line.find("0123456789"), std::string::npos);
  const auto keys = ApiKeys::parse(line);
  ASSERT_TRUE(keys) << keys.error().text();
  ASSERT_NE(keys->find(key_digest(secret)), nullptr);
  EXPECT_EQ(*keys->find(key_digest(secret)), key);
}

TEST(ApiKeysTest, WhileAKeyIsReplacedBothOfOneNameAreGood) {
  const auto keys =
      ApiKeys::parse(key_line({.name = "shop"}, Secret("old")) + '\n' + key_line({.name = "shop"}, Secret("new")));
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 2U);
}

TEST(ApiKeysTest, AMistakeNamesItsLineAndRepeatsNothingOfIt) {
  const auto error = [](const std::string& text) {
    const auto keys = ApiKeys::parse(text);
    return keys ? std::string() : keys.error().message;
  };
  EXPECT_EQ(error(""), "") << "nobody is let in, and that is no mistake";
  // Somebody wrote the key itself.
  EXPECT_NE(error("# a\nshop tk_secret\n").find("line 2"), std::string::npos);
  EXPECT_EQ(error("shop tk_secret").find("tk_secret"), std::string::npos);
  EXPECT_EQ(error("tk+secret=").find("secret"), std::string::npos);
  for (const auto& bad : {std::string("shop"), std::string("shop sha256:"), std::string("shop sha256:12"),
                          "shop sha512:" + line_of_abc.substr(12), line_of_abc + "0", line_of_abc + " user=",
                          line_of_abc + " user=a:b", line_of_abc + " expires=tomorrow", line_of_abc + " role=admin",
                          line_of_abc + '\n' + line_of_abc, std::string(64, 'x') + line_of_abc.substr(4)}) {
    EXPECT_FALSE(error(bad).empty()) << bad;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
