#include "operator/resources/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using testing::HasSubstr;
using testing::Not;

const SystemTime noon = parse_rfc3339("2026-08-01T12:00:00Z").value();

TEST(SigningKeys, ComeBackAsTheyWereWritten) {
  const SigningKeys keys = {{"k1", Secret("aa"), SigningKey::Phase::retiring, noon},
                            {"k2", Secret("bb"), SigningKey::Phase::issuing, noon},
                            {"k3", Secret("cc"), SigningKey::Phase::staged, noon}};
  EXPECT_EQ(parse_signing_keys(signing_keys_document(keys).reveal()), keys);
}

TEST(SigningKeys, AreWrittenAsAgentsReadThem) {
  EXPECT_EQ(signing_keys_document({{"k1", Secret("aa"), SigningKey::Phase::issuing, noon}}).reveal(),
            R"([{"created":"2026-08-01T12:00:00Z","id":"k1","phase":"Issuing","secret":"aa"}])");
}

TEST(SigningKeys, AreRefusedWithoutRepeatingThem) {
  const std::string good = R"({"id":"k1","secret":"topsecret","phase":"Issuing","created":"2026-08-01T12:00:00Z"})";
  for (const std::string& document :
       {std::string(), std::string("topsecret"), std::string("{}"), std::string("[]"), "[" + good + "," + good + "]",
        std::string(R"(["topsecret"])"), std::string(R"([{"secret":"topsecret"}])"),
        std::string(R"([{"id":"k1","secret":"topsecret","phase":"Old","created":"2026-08-01T12:00:00Z"}])"),
        std::string(R"([{"id":"k1","secret":"topsecret","phase":"Issuing","created":"topsecret"}])"),
        std::string(R"([{"id":"k1","secret":"","phase":"Issuing","created":"2026-08-01T12:00:00Z"}])")}) {
    const auto keys = parse_signing_keys(document);
    ASSERT_FALSE(keys.has_value()) << document;
    EXPECT_THAT(keys.error().text(), Not(HasSubstr("topsecret")));
    EXPECT_THAT(keys.error().advice, HasSubstr("restore the Secret"));
  }
}

}  // namespace
}  // namespace turnkeeper::op
