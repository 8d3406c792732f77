#include "turnkeeper/api/health.hpp"

#include <gtest/gtest.h>

#include <set>

namespace turnkeeper::api {
namespace {

TEST(Cause, HasANameAdviceAndARunbookSectionOfItsOwn) {
  std::set<std::string_view> names, advice;
  for (int i = static_cast<int>(Cause::dns); i <= static_cast<int>(Cause::internal); ++i) {
    const auto cause = static_cast<Cause>(i);
    const auto name = cause_name(cause);
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_TRUE(names.insert(name).second) << name << " is used twice";
    EXPECT_TRUE(advice.insert(cause_advice(cause)).second) << name << " has another's advice";
    EXPECT_EQ(parse_cause(name), cause);
    EXPECT_EQ(runbook_anchor(cause), "docs/runbook.md#" + std::string(name));
  }
  EXPECT_EQ(cause_name(Cause::none), "");
  EXPECT_EQ(runbook_anchor(Cause::none), "");
  EXPECT_EQ(parse_cause(""), Cause::none);
  EXPECT_FALSE(parse_cause("gremlins").has_value());
}

TEST(Verdict, IsReadAsItIsWritten) {
  for (const auto verdict :
       {Verdict::healthy, Verdict::degraded, Verdict::unhealthy, Verdict::draining, Verdict::unknown}) {
    EXPECT_EQ(parse_verdict(verdict_name(verdict)), verdict);
  }
  EXPECT_FALSE(parse_verdict("healthy").has_value());
}

}  // namespace
}  // namespace turnkeeper::api
