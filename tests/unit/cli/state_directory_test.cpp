#include "cli/state_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace turnkeeper::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const SystemTime kNow{std::chrono::seconds(1'700'000'000)};

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

TEST_F(StateDirectoryTest, KeysOutliveARestart) {
  std::string secret;
  {
    const auto state = StateDirectory::open(path_);
    ASSERT_TRUE(state) << state.error().text();
    const auto keys = state->signing_keys(kNow);
    ASSERT_TRUE(keys) << keys.error().text();
    ASSERT_THAT(*keys, SizeIs(1));
    secret = keys->front().secret.reveal();
    EXPECT_THAT(secret, SizeIs(64));
    EXPECT_EQ(keys->front().created, kNow);
  }
  const auto state = StateDirectory::open(path_);
  ASSERT_TRUE(state) << state.error().text();
  const auto keys = state->signing_keys(kNow + std::chrono::hours(1));
  ASSERT_TRUE(keys) << keys.error().text();
  EXPECT_EQ(keys->front().secret.reveal(), secret) << "every client's credentials died with the restart";
  EXPECT_EQ(keys->front().created, kNow);
}

TEST_F(StateDirectoryTest, OtherUsersReadNothing) {
  const auto state = StateDirectory::open(path_);
  ASSERT_TRUE(state);
  ASSERT_TRUE(state->signing_keys(kNow));
  EXPECT_EQ(mode(path_), 0700u);
  EXPECT_EQ(mode(path_ + "/keys.json"), 0600u);
  EXPECT_EQ(mode(*state->relay_directory("eu-0")), 0700u);
}

TEST_F(StateDirectoryTest, BrokenKeysAreNeverReplacedSilently) {
  const auto state = StateDirectory::open(path_);
  ASSERT_TRUE(state);
  for (const std::string broken :
       {"", "[]", "{}", "not json", R"([{"id":"k1","secret":"","phase":"Issuing","created":"2026-08-01T12:00:00Z"}])",
        R"([{"id":"k1","secret":"deadbeef","phase":"Issuing","created":"yesterday"}])"}) {
    std::ofstream(path_ + "/keys.json") << broken;
    const auto keys = state->signing_keys(kNow);
    ASSERT_FALSE(keys) << broken;
    EXPECT_THAT(keys.error().message, HasSubstr(path_ + "/keys.json"));
    EXPECT_THAT(keys.error().text(), Not(HasSubstr("deadbeef")));
    std::ifstream file(path_ + "/keys.json");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), broken);
  }
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
