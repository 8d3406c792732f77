#include "cli/text.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::cli {
namespace {

using namespace std::chrono_literals;

TEST(Text, MillisecondsHaveAsManyDigitsAsHelp) {
  EXPECT_EQ(milliseconds(213us), "0.21 ms");
  EXPECT_EQ(milliseconds(88'400us), "88.4 ms");
  EXPECT_EQ(milliseconds(2173ms), "2173 ms");
}

TEST(Text, DurationIsOneNumberAndOneUnit) {
  EXPECT_EQ(duration(-5s), "0 s");
  EXPECT_EQ(duration(59s), "59 s");
  EXPECT_EQ(duration(61s), "1 min");
  EXPECT_EQ(duration(47h), "47 h");
  EXPECT_EQ(duration(49h), "2 days");
}

TEST(Text, ControlCharactersBecomeHarmless) {
  EXPECT_EQ(printable("a\x1b[2J\nb\x7f"), "a?[2J?b?");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
}

}  // namespace
}  // namespace turnkeeper::cli
