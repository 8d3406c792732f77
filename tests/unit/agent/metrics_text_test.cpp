#include "agent/metrics_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTextTest, TellsAllThatIsKnown) {
  const std::string text = metrics_text({.sessions = 3,
                                         .sent_bytes = 10'000'000'000,
                                         .received_bytes = 20,
                                         .bits_per_second = 5,
                                         .keys = {"k1", "k\"2"},
                                         .config_hash = "9f86",
                                         .coturn = {4, 18, 0},
                                         .draining = true,
                                         .starts = 2,
                                         .certificate_serial = "0a1b",
                                         .certificate_expires = SystemTime(std::chrono::seconds(1'700'000'000))});
  for (const char* line :
       {"turnkeeper_relay_sessions 3", "turnkeeper_relay_bytes_total{direction=\"sent\"} 10000000000",
        "turnkeeper_relay_bytes_total{direction=\"received\"} 20", "turnkeeper_relay_bits_per_second 5",
        "turnkeeper_agent_signing_keys 2", "turnkeeper_agent_signing_key_info{key=\"k1\"} 1",
        "turnkeeper_agent_signing_key_info{key=\"k\\\"2\"} 1", "turnkeeper_relay_starts_total 2",
        "turnkeeper_relay_running 1", "turnkeeper_relay_draining 1", "turnkeeper_agent_config_info{hash=\"9f86\"} 1",
        "turnkeeper_agent_certificate_info{serial=\"0a1b\"} 1",
        "turnkeeper_agent_certificate_expiry_timestamp_seconds 1700000000"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line) + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("turnkeeper_agent_info{version=\"" + std::string(version()) +
                              "\",coturn_version=\"4.18.0\"} 1\n"));
}

TEST(MetricsTextTest, DoesNotCallWhatIsUnknownZero) {
  const std::string text = metrics_text({.coturn = {4, 6, 1}});
  for (const char* name : {"sessions", "bytes_total", "bits_per_second", "certificate"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
}

TEST(MetricsTextTest, TellsThatCoturnIsDown) {
  EXPECT_THAT(metrics_text({.running = false}), HasSubstr("\nturnkeeper_relay_running 0\n"));
}

}  // namespace
}  // namespace turnkeeper::agent
