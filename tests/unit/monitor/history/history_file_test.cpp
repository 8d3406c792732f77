#include "monitor/history/history_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

class HistoryFileTest : public testing::Test {
 protected:
  HistoryFileTest() {
    char name[] = "/tmp/turnkeeper-history-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/history.json";
  }
  ~HistoryFileTest() override { std::filesystem::remove_all(directory_); }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string directory_;
  std::string path_;
  ManualClock clock_;
  History history_{clock_};
};

TEST_F(HistoryFileTest, WhatWasGivenLastIsThereAfterTheEnd) {
  {
    auto file = HistoryFile::open(path_, history_);
    ASSERT_TRUE(file) << file.error().text();
    for (int i = 0; i < 100; ++i) (*file)->write("old");
    (*file)->write("newest");
  }
  EXPECT_EQ(read(path_), "newest");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  const auto mode = std::filesystem::status(path_).permissions();
  EXPECT_EQ(mode & std::filesystem::perms::others_all, std::filesystem::perms::none);
}

TEST_F(HistoryFileTest, ADamagedFileIsKeptAsideAndTheMonitorStarts) {
  std::ofstream(path_) << R"({"format": "turnkeeper-history", "ver)";
  auto file = HistoryFile::open(path_, history_);
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_EQ(read(path_ + ".damaged"), R"({"format": "turnkeeper-history", "ver)");
  History other(clock_);
  EXPECT_TRUE(other.restore(read(path_)));
}

TEST_F(HistoryFileTest, ADirectoryThatIsNotThereIsSaidAtTheStart) {
  const auto file = HistoryFile::open(directory_ + "/none/history.json", history_);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().text().find("/none/history.json"), std::string::npos);
}

}  // namespace
}  // namespace turnkeeper::monitor
