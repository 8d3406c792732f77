#include "monitor/shape/reading.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Pair;

http::Request with_header(const std::string& name, const std::string& value) {
  http::Request request;
  request.headers = {{name, value}};
  return request;
}

http::Request query(const std::string& text) {
  http::Request request;
  request.query = *http::parse_query(text);
  return request;
}

TEST(Keys, AreFoundWhereEachKindOfClientPutsThem) {
  EXPECT_EQ(bearer_token(with_header("authorization", "Bearer abc")).reveal(), "abc");
  EXPECT_EQ(bearer_token(with_header("authorization", "bearer abc")).reveal(), "abc") << "RFC 9110: any case";
  EXPECT_EQ(basic_password(with_header("authorization", "Basic " + base64_encode("AC1:a:b"))).reveal(), "a:b");
  EXPECT_EQ(native_key(with_header("x-api-key", "abc")).reveal(), "abc");
  EXPECT_EQ(query_key(query("apiKey=abc"), "apiKey").reveal(), "abc");
}

TEST(Keys, ThatAreMalformedAreNone) {
  for (const char* header : {"", "Bearer", "Bearer ", "Basic", "Basic !!!!", "Basic YWJj", "Digest abc", "Bearerabc"}) {
    const auto request = with_header("authorization", header);
    EXPECT_TRUE(bearer_token(request).empty()) << header;
    EXPECT_TRUE(basic_password(request).empty()) << header;
  }
}

TEST(Hints, TellWhereAClientIs) {
  const auto wanted = read_hints(query("cluster=calls&region=eu&session=s-1&rtt=eu:31,us:120&policy=relay&unknown=1"));
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->cluster, "calls");
  EXPECT_EQ(wanted->region, "eu");
  EXPECT_EQ(wanted->session, "s-1");
  EXPECT_THAT(wanted->rtts, ElementsAre(Pair("eu", milliseconds(31)), Pair("us", milliseconds(120))));
  EXPECT_TRUE(wanted->relay_only);
}

TEST(Hints, ThatMakeNoSenseAreRefused) {
  for (const char* text : {"rtt=eu", "rtt=eu:", "rtt=:3", "rtt=eu:-1", "rtt=eu:1x", "rtt=eu:999999", "policy=none"}) {
    const auto wanted = read_hints(query(text));
    ASSERT_FALSE(wanted) << text;
    EXPECT_EQ(wanted.error().status, 400);
    EXPECT_FALSE(wanted.error().error.advice.empty());
  }
  std::string many = "rtt=";
  for (int i = 0; i < 65; ++i) many += "r" + std::to_string(i) + ":1,";
  EXPECT_FALSE(read_hints(query(many)));
}

TEST(Lifetimes, AreWholePositiveSeconds) {
  EXPECT_EQ(read_seconds("3600"), seconds(3600));
  for (const char* text : {"", "0", "-1", "1.5", "1h", " 1", "+1", "0x10"}) EXPECT_FALSE(read_seconds(text)) << text;
  EXPECT_EQ(read_seconds("99999999999999999999999"), seconds(365 * 86'400)) << "no overflow";
}

TEST(Lifetimes, MayBeNumbersOrTextsInJson) {
  const auto object =
      *read_json(R"({"a":60,"b":"60","c":null,"d":-1,"e":1.5,"f":"x","g":18446744073709551615,"h":[]})");
  EXPECT_EQ(seconds_in(object, "a").value(), seconds(60));
  EXPECT_EQ(seconds_in(object, "b").value(), seconds(60));
  EXPECT_EQ(seconds_in(object, "c").value(), std::nullopt);
  EXPECT_EQ(seconds_in(object, "absent").value(), std::nullopt);
  for (const char* field : {"d", "e", "f", "h"}) EXPECT_FALSE(seconds_in(object, field)) << field;
  EXPECT_EQ(seconds_in(object, "g").value(), seconds(365 * 86'400));
}

TEST(Bodies, AreObjectsOfBoundedSizeAndDepth) {
  EXPECT_TRUE(read_json(""));
  EXPECT_TRUE(read_json(R"({"a":{"b":[1,2]}})"));
  for (const char* text : {"[]", "1", "{", "{\"a\":}", "null", "\xff"}) EXPECT_FALSE(read_json(text)) << text;
  EXPECT_FALSE(read_json("{\"a\":" + std::string(30'000, '[') + std::string(30'000, ']') + "}"));
  EXPECT_FALSE(read_json("{\"a\":\"" + std::string(70'000, 'x') + "\"}"));
}

}  // namespace
}  // namespace turnkeeper::monitor
