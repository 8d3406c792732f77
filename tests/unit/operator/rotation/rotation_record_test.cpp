#include "operator/rotation/rotation_record.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

TEST(RotationRecord, ComesBackAsItWasWritten) {
  const RotationRecord record{.newest_key = 7,
                              .rotate = "2026-08-01 \"friday\"\n",
                              .revoke = "leak #4",
                              .request = "leak #4",
                              .revoking = true,
                              .longest_ttl = {{"k6", 48h}, {"k7", 10min}}};
  EXPECT_EQ(parse_rotation_record(render_rotation_record(record)), record);
  EXPECT_EQ(parse_rotation_record(render_rotation_record({})), RotationRecord{});
}

TEST(RotationRecord, WhatSomebodySpoiledStopsNothing) {
  for (const char* text :
       {"", "no JSON", "[]", "null", R"({"newestKey":"7","longestTtlSeconds":{"k1":"a"},"rotate":3})",
        R"({"longestTtlSeconds":[1,2]})", R"({"longestTtlSeconds":3})"}) {
    EXPECT_EQ(parse_rotation_record(text), RotationRecord{}) << text;
  }
}

}  // namespace
}  // namespace turnkeeper::op
