// What a GoogleTest fixture relies on when it uses the test bed.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "tests/support/testbed.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::testbed {
namespace {

using namespace std::chrono_literals;

Deadline in(std::chrono::seconds budget) {
  return Deadline::after(real_clock(), budget);
}

// Whether one ping to the address is answered within a second.
bool answers(const std::string& address) {
  const auto ping = run_command({"ping", "-c", "1", "-W", "1", address}, in(10s));
  return ping && ping->status == 0;
}

TEST(Part, CanBeCommandedAndLeavesNothingBehind) {
  std::filesystem::path directory;
  {
    auto part = Part::start({"regions", "--regions", "eu,us"}, in(120s));
    ASSERT_TRUE(part) << part.error().text();
    directory = part->info()["directory"].get<std::string>();
    EXPECT_TRUE(std::filesystem::exists(directory));
    const std::string eu = part->info()["regions"][0]["address"];
    EXPECT_TRUE(answers(eu));
    ASSERT_TRUE(part->command({{"cmd", "blackhole"}, {"region", "eu"}, {"on", true}}, in(10s)));
    EXPECT_FALSE(answers(eu));
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST(Part, TellsWhyACommandWasRefused) {
  auto part = Part::start({"regions", "--regions", "eu"}, in(120s));
  ASSERT_TRUE(part) << part.error().text();
  const auto answer = part->command({{"cmd", "link"}, {"region", "mars"}, {"up", false}}, in(10s));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text().find("no region mars"), std::string::npos) << answer.error().text();
}

TEST(Part, IsAnErrorWhenItCannotStart) {
  const auto part = Part::start({"regions", "--regions", "name-too-long"}, in(60s));
  ASSERT_FALSE(part);
  EXPECT_NE(part.error().text().find("has ended"), std::string::npos) << part.error().text();
}

TEST(Turnserver, OfBothVersionsSaysSo) {
  for (const std::string version : {"4.6.1", "4.18.0"}) {
    const auto output = run_command({turnserver(version), "--version"}, in(300s));
    ASSERT_TRUE(output) << output.error().text();
    EXPECT_NE(output->text.find(version == "4.6.1" ? "4.6.1" : "4.1"), std::string::npos) << output->text;
  }
}

}  // namespace
}  // namespace turnkeeper::testbed
