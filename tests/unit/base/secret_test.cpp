#include "turnkeeper/base/secret.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <type_traits>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper {
namespace {

// A leak through a log line or a stream must not even compile.
static_assert(!std::is_constructible_v<log::Field, std::string, Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);

TEST(Secret, LeavesNothingBehindInTheSourceOfAMove) {
  Secret from("north");
  const Secret to = std::move(from);
  EXPECT_EQ(to.reveal(), "north");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(Secret, ComparesByContents) {
  EXPECT_EQ(Secret("a"), Secret("a"));
  EXPECT_FALSE(Secret("a") == Secret("b"));
  EXPECT_FALSE(Secret("a") == Secret("aa"));
}

TEST(Secret, IsDifferentEachTimeItIsMade) {
  EXPECT_EQ(Secret::random(32).reveal().size(), 64u);
  EXPECT_FALSE(Secret::random(32) == Secret::random(32));
}

TEST(Secret, ComesFromAFileWithoutItsNewline) {
  const auto path = std::filesystem::temp_directory_path() / ("secret_test." + std::to_string(getpid()));
  std::ofstream(path) << "north\n";
  EXPECT_EQ(Secret::from_file(path)->reveal(), "north");
  std::filesystem::remove(path);
  EXPECT_NE(Secret::from_file(path).error().message.find("No such file"), std::string::npos);
}

TEST(Secret, ADirectoryInItsPlaceIsAnErrorLikeAnyOther) {
  const auto secret = Secret::from_file(std::filesystem::temp_directory_path());
  ASSERT_FALSE(secret);
  EXPECT_NE(secret.error().message.find("Is a directory"), std::string::npos);
}

}  // namespace
}  // namespace turnkeeper
