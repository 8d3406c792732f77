#include "turnkeeper/api/conditions.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::api {
namespace {

using namespace std::chrono_literals;

const SystemTime noon = parse_rfc3339("2026-08-01T12:00:00Z").value();

Condition ready(ConditionStatus status, std::string reason) {
  return {.type = "Ready", .status = status, .reason = std::move(reason), .message = "m", .observed_generation = 3};
}

TEST(Conditions, KeepTheTransitionTimeWhileTheStatusIsUnchanged) {
  Conditions conditions;
  set_condition(conditions, ready(ConditionStatus::no, "Starting"), noon);
  set_condition(conditions, ready(ConditionStatus::no, "RegionDown"), noon + 1h);
  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].reason, "RegionDown");
  EXPECT_EQ(conditions[0].last_transition, noon) << "kubectl wait and alerts would take it for a new state";
  set_condition(conditions, ready(ConditionStatus::yes, "AllRegionsServe"), noon + 2h);
  EXPECT_EQ(conditions[0].last_transition, noon + 2h);
}

TEST(Conditions, ComeBackFromTheApiServerAsTheyWentThere) {
  Conditions conditions;
  // A fraction of a second would not survive, and each pass would then write a changed status.
  set_condition(conditions, ready(ConditionStatus::yes, "AllRegionsServe"), noon + 123ms);
  set_condition(conditions, {.type = "Stalled", .status = ConditionStatus::unknown, .reason = "X", .message = ""},
                noon);
  EXPECT_EQ(conditions_from_json(to_json(conditions)), conditions);
  EXPECT_EQ(to_json(conditions)[0].dump(),
            R"({"lastTransitionTime":"2026-08-01T12:00:00Z","message":"m","observedGeneration":3,)"
            R"("reason":"AllRegionsServe","status":"True","type":"Ready"})");
  EXPECT_EQ(find_condition(conditions, "Stalled")->status, ConditionStatus::unknown);
  EXPECT_EQ(find_condition(conditions, "Other"), nullptr);
}

TEST(Conditions, AreReadWhateverSomebodyElseWroteThere) {
  EXPECT_TRUE(conditions_from_json(nullptr).empty());
  const auto list =
      nlohmann::json::parse(R"([3, {}, {"type": 1}, {"type": "Ready", "lastTransitionTime": "yesterday"}])");
  const auto conditions = conditions_from_json(list);
  ASSERT_EQ(conditions.size(), 1u);
  EXPECT_EQ(conditions[0].status, ConditionStatus::unknown);
}

}  // namespace
}  // namespace turnkeeper::api
