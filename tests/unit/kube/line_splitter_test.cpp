#include "turnkeeper/kube/line_splitter.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::kube {
namespace {

TEST(LineSplitter, JoinsALineThatCameInPieces) {
  LineSplitter lines;
  ASSERT_TRUE(lines.add("{\"a\""));
  EXPECT_FALSE(lines.next());
  ASSERT_TRUE(lines.add(":1}\n{\"b\":2}\n\n{"));
  EXPECT_EQ(lines.next(), "{\"a\":1}");
  EXPECT_EQ(lines.next(), "{\"b\":2}");
  EXPECT_FALSE(lines.next());
  ASSERT_TRUE(lines.add("}\r\n"));
  EXPECT_EQ(lines.next(), "{}");
}

TEST(LineSplitter, ByteByByteGivesTheSame) {
  const std::string text = "one\ntwo\n\nthree\nunfinished";
  LineSplitter lines;
  std::vector<std::string> seen;
  for (const char c : text) {
    ASSERT_TRUE(lines.add(std::string(1, c)));
    while (auto line = lines.next()) seen.push_back(*line);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "two", "three"}));
}

TEST(LineSplitter, RefusesALineWithoutEnd) {
  LineSplitter lines(10);
  EXPECT_TRUE(lines.add("0123456789"));
  EXPECT_FALSE(lines.add("0"));
}

}  // namespace
}  // namespace turnkeeper::kube
