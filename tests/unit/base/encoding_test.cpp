#include "turnkeeper/base/encoding.hpp"

#include <gtest/gtest.h>

namespace turnkeeper {
namespace {

TEST(Base64, HoldsToTheVectorsOfRfc4648) {
  for (const auto& [plain, text] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    EXPECT_EQ(base64_encode(plain), text);
    EXPECT_EQ(base64_decode(text), std::string(plain));
  }
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const auto* text : {"Zg=", "Zg", "Z===", "====", "Z g=", "Zg==\n", "Zm9v-_==", "=Zg="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

TEST(Hex, IsLowerCase) {
  EXPECT_EQ(hex_encode(std::string("\x00\xff\x1a", 3)), "00ff1a");
}

TEST(PercentEncoding, RoundTripsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a b/c"), "a%20b%2Fc");
}

TEST(PercentEncoding, RefusesACutOffEscape) {
  for (const auto* text : {"%", "%4", "abc%zz", "x%"}) EXPECT_FALSE(percent_decode(text)) << text;
  EXPECT_EQ(percent_decode("x%41"), "xA");
}

}  // namespace
}  // namespace turnkeeper
