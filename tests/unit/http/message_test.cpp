#include "turnkeeper/http/message.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(Query, FieldsArriveDecodedAndInOrder) {
  const auto query = parse_query("region=eu-west&user=a%40b.org&&flag&user=second");
  ASSERT_TRUE(query) << query.error().text();
  EXPECT_THAT(*query, ElementsAre(Pair("region", "eu-west"), Pair("user", "a@b.org"), Pair("flag", ""),
                                  Pair("user", "second")));
}

TEST(Query, ValueMayHoldTheCharactersOfAUri) {
  const auto query = parse_query("target=turn:192.0.2.1:3478?transport=udp&cluster=a+b");
  ASSERT_TRUE(query);
  EXPECT_THAT(*query, ElementsAre(Pair("target", "turn:192.0.2.1:3478?transport=udp"), Pair("cluster", "a+b")));
}

TEST(Query, BadEncodingNamesTheField) {
  const auto query = parse_query("ok=1&user=50%");
  ASSERT_FALSE(query);
  EXPECT_THAT(query.error().message, HasSubstr("\"user\""));
}

TEST(Request, FirstValueOfAFieldWins) {
  Request request;
  request.query = {{"user", "first"}, {"user", "second"}};
  EXPECT_EQ(request.field("user"), "first");
  EXPECT_EQ(request.field("region"), std::nullopt);
}

TEST(Problem, SaysWhatFailedAndWhatToDo) {
  const Response response = Response::problem(404, {"there is no region \"x\"", "choose one of eu, us"});
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"title":"Not Found","status":404,"detail":"there is no region \"x\"","advice":"choose one of eu, us"})"
            "\n");
}

TEST(Problem, BytesThatAreNotUtf8DoNotBreakTheAnswer) {
  EXPECT_THAT(Response::problem(400, {"bad name \xff", ""}).body, HasSubstr("bad name \xEF\xBF\xBD"));
}

}  // namespace
}  // namespace turnkeeper::http
