#include "monitor/web/status_page.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace turnkeeper::monitor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusPage, IsTheFileAsWritten) {
  std::ifstream file(TURNKEEPER_SOURCE_DIR "/monitor/web/status_page.html");
  std::ostringstream text;
  text << file.rdbuf();
  ASSERT_GT(text.str().size(), 1000u);
  EXPECT_EQ(status_page().body, text.str());
}

TEST(StatusPage, LoadsNothingFromElsewhere) {
  const std::string page = status_page().body;
  EXPECT_FALSE(std::regex_search(page, std::regex(R"((src|href)\s*=\s*["'](https?:)?//)")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  std::string policy;
  for (const auto& [name, value] : status_page().headers) {
    if (name == "Content-Security-Policy") policy = value;
  }
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("connect-src 'self'"));
}

TEST(StatusPage, NeverParsesTextAsMarkup) {
  EXPECT_THAT(status_page().body, Not(HasSubstr("innerHTML"))) << "a relay's error text could run script";
}

}  // namespace
}  // namespace turnkeeper::monitor
