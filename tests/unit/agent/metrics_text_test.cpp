#include "agent/metrics_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTextTest, TellsSessionsAndVersions) {
  const std::string text =
      metrics_text({.sessions = 3, .relay_starts = 2, .signing_keys = 1, .draining = true, .coturn = {4, 18, 0}});
  EXPECT_THAT(text, HasSubstr("\nturnkeeper_relay_sessions 3\n"));
  EXPECT_THAT(text, HasSubstr("\nturnkeeper_relay_starts_total 2\n"));
  EXPECT_THAT(text, HasSubstr("\nturnkeeper_relay_draining 1\n"));
  EXPECT_THAT(text, HasSubstr("\nturnkeeper_agent_signing_keys 1\n"));
  EXPECT_THAT(text, HasSubstr("turnkeeper_agent_info{version=\"" + std::string(version()) +
                              "\",coturn_version=\"4.18.0\"} 1\n"));
}

TEST(MetricsTextTest, DoesNotCallAnUnknownNumberOfSessionsZero) {
  EXPECT_THAT(metrics_text({.sessions = -1}), Not(HasSubstr("turnkeeper_relay_sessions")));
}

}  // namespace
}  // namespace turnkeeper::agent
