#include "operator/plan/covers.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using nlohmann::json;

bool covers(const char* live, const char* desired) {
  return op::covers(json::parse(live), json::parse(desired));
}

TEST(Covers, LetsTheApiServerAddAndNotTakeAway) {
  EXPECT_TRUE(covers(R"({"a": 1, "b": {"c": [1, 2]}, "more": true})", R"({"a": 1, "b": {"c": [1, 2]}})"));
  EXPECT_TRUE(covers(R"({"ports": [{"port": 1, "protocol": "TCP"}]})", R"({"ports": [{"port": 1}]})"));
  EXPECT_FALSE(covers(R"({"a": 1})", R"({"a": 1, "b": 2})"));
  EXPECT_FALSE(covers(R"({"a": 1})", R"({"a": 2})"));
  EXPECT_FALSE(covers(R"({"a": 1})", R"({"a": {"b": 1}})"));
  EXPECT_FALSE(covers(R"({"l": [1, 2, 3]})", R"({"l": [1, 2]})")) << "somebody's extra item is a difference";
  EXPECT_FALSE(covers(R"({"l": [1]})", R"({"l": [1, 2]})"));
}

TEST(Covers, ComparesQuantitiesByWhatTheyMean) {
  EXPECT_TRUE(covers(R"({"resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}})",
                     R"({"resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}}})"));
  EXPECT_TRUE(
      covers(R"({"resources": {"requests": {"cpu": "2"}}})", R"({"resources": {"requests": {"cpu": "2000m"}}})"));
  EXPECT_FALSE(
      covers(R"({"resources": {"limits": {"cpu": "500m"}}})", R"({"resources": {"limits": {"cpu": "501m"}}})"));
  EXPECT_FALSE(covers(R"({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}})",
                      R"({"resources": {"limits": {"cpu": "1"}}})"));
  EXPECT_FALSE(covers(R"({"resources": {}})", R"({"resources": {"limits": {"cpu": "1"}}})"));
}

}  // namespace
}  // namespace turnkeeper::op
