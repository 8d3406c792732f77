#include "turnkeeper/coturn/version.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::coturn {
namespace {

TEST(VersionTest, ReadsWhatEachGenerationPrints) {
  EXPECT_EQ(parse_version("4.6.1\n"), (Version{4, 6, 1}));
  EXPECT_EQ(parse_version("4.18.0\n"), (Version{4, 18, 0}));
  EXPECT_EQ(parse_version("0: : \nVersion Coturn-4.6.2 'Gorst'\n"), (Version{4, 6, 2}));
  EXPECT_EQ(parse_version("4.9"), (Version{4, 9, 0}));
}

TEST(VersionTest, TakesTheUsageOfOnesThatDoNotKnowTheOptionForTheOldest) {
  EXPECT_EQ(parse_version("\nUsage: turnserver [options]\nOptions:\n"), (Version{4, 5, 0}));
}

TEST(VersionTest, OrdersByNumbersNotByText) {
  EXPECT_LT((Version{4, 6, 1}), (Version{4, 18, 0}));
  EXPECT_LT((Version{4, 9, 9}), (Version{4, 10, 0}));
}

TEST(VersionTest, RefusesWhatItHasNeverSeenAndSaysWhatToUse) {
  for (const char* output : {"5.0.0\n", "3.2.5\n", "4.4.5\n", "", "hello\n"}) {
    const auto version = parse_version(output);
    ASSERT_FALSE(version) << output;
    EXPECT_NE(version.error().advice.find("4.18"), std::string::npos) << output;
  }
}

TEST(VersionTest, KnowsWhichSurviveTheDrainSignal) {
  EXPECT_FALSE(can_drain({4, 6, 1}));
  EXPECT_FALSE(can_drain({4, 6, 2}));
  EXPECT_TRUE(can_drain({4, 6, 3}));
  EXPECT_TRUE(can_drain({4, 18, 0}));
}

TEST(VersionTest, AsksTheInstalledProgram) {
  const auto version = detect_version("turnserver", Deadline::after(real_clock(), std::chrono::seconds(20)));
  ASSERT_TRUE(version) << version.error().text();
  EXPECT_GE(*version, (Version{4, 6, 1}));
}

TEST(VersionTest, SaysWhichProgramIsMissing) {
  const auto version =
      detect_version("/nonexistent/turnserver", Deadline::after(real_clock(), std::chrono::seconds(20)));
  ASSERT_FALSE(version);
  EXPECT_NE(version.error().text().find("/nonexistent/turnserver"), std::string::npos);
}

TEST(VersionTest, KnowsUpToTheNewestThatItWasTriedWith) {
  EXPECT_TRUE(is_known({4, 5, 0}));
  EXPECT_TRUE(is_known({4, 18, 3}));
  EXPECT_FALSE(is_known({4, 19, 0}));
}

}  // namespace
}  // namespace turnkeeper::coturn
