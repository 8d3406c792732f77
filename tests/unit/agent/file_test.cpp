#include "agent/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace turnkeeper::agent {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = testing::TempDir() + "file.XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(FileTest, ReplacesAFileWholeWithItsMode) {
  const std::string path = directory_ + "/file";
  const std::string large(200'000, 'x');
  ASSERT_TRUE(write_file(path, "first", 0644));
  ASSERT_TRUE(write_file(path, large, 0600));
  EXPECT_EQ(read_file(path), large);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1) << "a draft was left behind";
}

TEST_F(FileTest, CopiesAProgramThatRuns) {
  const std::string path = directory_ + "/true";
  ASSERT_TRUE(copy_file("/bin/true", path, 0755));
  EXPECT_EQ(std::system(path.c_str()), 0);
}

TEST_F(FileTest, SaysWhichFileItCannotUse) {
  EXPECT_THAT(read_file(directory_ + "/none").error().message, testing::HasSubstr(directory_ + "/none"));
  EXPECT_THAT(write_file(directory_ + "/no/file", "", 0600).error().message, testing::HasSubstr("/no/file"));
  EXPECT_FALSE(copy_file(directory_ + "/none", directory_ + "/copy", 0755));
}

}  // namespace
}  // namespace turnkeeper::agent
