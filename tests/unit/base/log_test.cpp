#include "turnkeeper/base/log.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::log {
namespace {

TEST(Log, WritesLogfmtThatParsersRead) {
  EXPECT_EQ(render(Format::logfmt, Level::info, "verdict changed",
                   {{"relay", "eu-0"}, {"rtt_ms", 12}, {"cause", "a b=\"c\""}}),
            R"(level=info msg="verdict changed" relay=eu-0 rtt_ms=12 cause="a b=\"c\"")");
}

TEST(Log, KeepsAnEventOnOneLineWhateverThePeerSent) {
  const auto line = render(Format::logfmt, Level::warn, "x\ny", {{"peer", std::string("\n\xff\x00z", 4)}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\0'), std::string::npos);
}

TEST(Log, WritesJson) {
  EXPECT_EQ(render(Format::json, Level::error, "m", {{"k", "v"}}), R"("level":"error","msg":"m","k":"v"})");
}

TEST(Log, SaysWhichNamesItKnows) {
  EXPECT_EQ(parse_level("loud").error().advice, "use debug, info, warn or error");
  EXPECT_EQ(*parse_format("json"), Format::json);
}

}  // namespace
}  // namespace turnkeeper::log
