#include "agent/turnserver_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace turnkeeper::agent {
namespace {

using testing::HasSubstr;

class TurnserverProgramTest : public testing::Test {
 protected:
  TurnserverProgramTest() {
    std::string name = testing::TempDir() + "program.XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~TurnserverProgramTest() override { std::filesystem::remove_all(directory_); }

  std::string program(const std::string& output) {
    const std::string path = directory_ + "/turnserver";
    std::ofstream(path) << "#!/bin/sh\necho '" << output << "'\n";
    chmod(path.c_str(), 0755);
    return path;
  }
  std::string directory_;
};

TEST_F(TurnserverProgramTest, FindsTheInstalledOneByName) {
  const auto found = find_turnserver("turnserver", directory_);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(found->path.starts_with('/'));
  EXPECT_GE(found->version, (coturn::Version{4, 6, 1}));
}

TEST_F(TurnserverProgramTest, SaysThatTheImageHasNoCoturn) {
  const auto found = find_turnserver("no-such-turnserver", directory_);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().text(), HasSubstr("no no-such-turnserver in this image"));
  EXPECT_THAT(find_turnserver("/no/turnserver", directory_).error().text(), HasSubstr("/no/turnserver"));
}

TEST_F(TurnserverProgramTest, RefusesACoturnItDoesNotKnow) {
  const auto found = find_turnserver(program("5.1.0"), directory_);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().text(), HasSubstr("coturn 5.1.0 is not supported"));
}

}  // namespace
}  // namespace turnkeeper::agent
