#include "cli/state_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace turnkeeper::cli {
namespace {

using ::testing::HasSubstr;

class StateDirectoryTest : public ::testing::Test {
 protected:
  StateDirectoryTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "turnkeeper-state-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    path_ = root_ + "/home/demo";
  }
  ~StateDirectoryTest() override { std::filesystem::remove_all(root_); }

  static unsigned mode(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }

  std::string root_;
  std::string path_;
};

TEST_F(StateDirectoryTest, OtherUsersReadNothing) {
  const auto state = StateDirectory::open(path_);
  ASSERT_TRUE(state);
  EXPECT_EQ(mode(path_), 0700u);
  EXPECT_EQ(mode(*state->relay_directory("eu-0")), 0700u);
}

TEST_F(StateDirectoryTest, TwoCannotShareOne) {
  const auto first = StateDirectory::open(path_);
  ASSERT_TRUE(first);
  const auto second = StateDirectory::open(path_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text(), HasSubstr("--state-dir"));
}

TEST_F(StateDirectoryTest, PlaceThatCannotBeWrittenIsSaid) {
  std::ofstream(root_ + "/file") << "x";
  const auto state = StateDirectory::open(root_ + "/file/demo");
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message, HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace turnkeeper::cli
