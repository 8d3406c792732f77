#include "turnkeeper/kube/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

// What the API server is sent.
TEST(JsonText, IsThatOfTheLibrary) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  const json values[] = {
      nullptr,
      true,
      false,
      0,
      -1,
      INT64_MIN,
      UINT64_MAX,
      1.5,
      -0.1,
      1e300,
      "",
      all,
      "a\"b\\c/d\x7f",
      "Zürich \u2713",
      json::array(),
      json::object(),
      {1, "two", nullptr, {3}},
      {{"b", 1}, {"a", {{"quoted \"key\"\n", json::array({json::object(), json::array()})}}}, {"", false}},
  };
  for (const auto& value : values) {
    EXPECT_EQ(json_text(value), value.dump());
    EXPECT_EQ(json_text(json::array({value, value})), json::array({value, value}).dump());
  }
}

// Kept at the objects: another one for the same object would have every object written again, the same one for another
// object would leave it as it is.
TEST(JsonFingerprint, IsThatOfTheText) {
  EXPECT_EQ(json_fingerprint(json::array()), 0x09612b07b5ecb5a5U);
  EXPECT_EQ(json_fingerprint({{"ports", {1, 2}}}), json_fingerprint(json::parse(R"({"ports": [1, 2]})")));
  EXPECT_NE(json_fingerprint({{"ports", {1, 2}}}), json_fingerprint({{"ports", {2, 1}}}));
  EXPECT_NE(json_fingerprint({{"ports", {1, 2}}}), json_fingerprint({{"ports", {12}}}));
  EXPECT_NE(json_fingerprint({{"a", "b"}}), json_fingerprint({{"a", "b"}, {"c", nullptr}}));
}

}  // namespace
}  // namespace turnkeeper::kube
