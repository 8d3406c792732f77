#include "monitor/web/status_page.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace turnkeeper::monitor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string source(const std::string& name) {
  std::ifstream file(TURNKEEPER_SOURCE_DIR "/monitor/web/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(StatusPage, IsTheFilesAsWritten) {
  ASSERT_GT(source("status_page.html").size(), 1000u);
  EXPECT_EQ(status_page().body, source("status_page.html"));
  EXPECT_EQ(status_style().body, source("status_page.css"));
  EXPECT_EQ(status_script().body, source("status_page.js"));
  EXPECT_THAT(status_style().content_type, HasSubstr("text/css"));
  EXPECT_THAT(status_script().content_type, HasSubstr("text/javascript"));
}

TEST(StatusPage, LoadsNothingFromElsewhere) {
  for (const auto& response : {status_page(), status_style(), status_script()}) {
    EXPECT_FALSE(std::regex_search(response.body, std::regex(R"((src|href)\s*=\s*["'](https?:)?//)")));
    EXPECT_THAT(response.body, Not(HasSubstr("@import")));
    EXPECT_THAT(response.body, Not(HasSubstr("url(")));
    std::string policy;
    for (const auto& [name, value] : response.headers) {
      if (name == "Content-Security-Policy") policy = value;
    }
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, HasSubstr("connect-src 'self'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  }
}

TEST(StatusPage, NeverParsesTextAsMarkup) {
  EXPECT_THAT(status_script().body, Not(HasSubstr("innerHTML"))) << "a relay's error text could run script";
  EXPECT_THAT(status_script().body, Not(HasSubstr("insertAdjacentHTML")));
}

}  // namespace
}  // namespace turnkeeper::monitor
