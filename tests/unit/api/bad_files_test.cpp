// The table of mistakes that tests/integration/crd puts to a real API server: here they are put to the parser. Each
// file begins with "# file: LINE:COLUMN: WORDS" for each problem that a person must be told of, in the order of the
// file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "turnkeeper/api/parse.hpp"

namespace turnkeeper::api {
namespace {

const std::filesystem::path folder = TURNKEEPER_SOURCE_DIR "/tests/integration/crd/bad";

std::vector<std::string> files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

class BadFile : public testing::TestWithParam<std::string> {};

TEST_P(BadFile, IsRefusedAtTheRightPlaceWithTheRightWords) {
  const auto path = folder / (GetParam() + ".yaml");
  std::vector<std::string> expected;
  std::ifstream file(path);
  static const std::string marker = "# file: ";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(marker)) expected.push_back(line.substr(marker.size()));
  }
  ASSERT_FALSE(expected.empty()) << path << " says nothing about what is wrong with it";

  const auto cluster = parse_file(path);
  ASSERT_FALSE(cluster.has_value()) << path << " was accepted";
  const auto all = problems_text(cluster.error());
  ASSERT_EQ(cluster.error().size(), expected.size()) << all;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    // The place must be right; the words may go on.
    EXPECT_TRUE(problem_text(cluster.error()[i]).starts_with(expected[i]))
        << "expected: " << expected[i] << "\nbut told: " << problem_text(cluster.error()[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, BadFile, testing::ValuesIn(files()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(BadFiles, AreManyEnough) {
  EXPECT_GE(files().size(), 40u) << "the table in " << folder << " is gone";
}

}  // namespace
}  // namespace turnkeeper::api
