#include "monitor/ice_api/audit.hpp"

#include <gmock/gmock.h>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AuditTest : public ::testing::Test {
 protected:
  AuditTest() { metrics_.set_fleet({.clusters = {{.name = "calls", .regions = {{.name = "eu"}, {.name = "us"}}}}}); }
  void push(const std::string& user, const std::string& region, PushReason reason) {
    const IceRequest request{.region = region, .user = user};
    const IceConfig config{.servers = {}, .cluster = "calls", .region = region};
    audit_.pushed("events", "shop", {.config = config, .request = request, .reason = reason});
  }
  // What is logged meanwhile.
  template <class Work>
  std::vector<std::string> logged(Work&& work) {
    ::testing::internal::CaptureStderr();
    work();
    std::istringstream text(::testing::internal::GetCapturedStderr());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  ManualClock clock_;
  Metrics metrics_{"test", clock_};
  Audit audit_{metrics_, true, clock_};
};

TEST_F(AuditTest, AFailoverOfTenThousandIsALineForEachRegionAndNotForEachClient) {
  EXPECT_THAT(logged([&] {
                push("alice", "eu", PushReason::start);
                push("bob", "us", PushReason::start);
              }),
              ElementsAre(AllOf(HasSubstr("credentials issued"), HasSubstr("user=alice"), HasSubstr("api=events")),
                          HasSubstr("user=bob")));
  EXPECT_THAT(logged([&] {
                for (int i = 0; i < 10'000; ++i) push("user-" + std::to_string(i), "eu", PushReason::failover);
                for (int i = 0; i < 7; ++i) push("user-" + std::to_string(i), "us", PushReason::rotation);
                audit_.round_done();
              }),
              ElementsAre(AllOf(HasSubstr("credentials pushed"), HasSubstr("reason=failover"),
                                HasSubstr("clients=10000"), HasSubstr("cluster=calls"), HasSubstr("region=eu")),
                          AllOf(HasSubstr("reason=rotation"), HasSubstr("clients=7"), HasSubstr("region=us"))));
  EXPECT_THAT(logged([&] { audit_.round_done(); }), IsEmpty());
  EXPECT_THAT(metrics_.exposition(ExpositionFormat::text), HasSubstr("10001"))
      << "each of them is counted all the same";
}

}  // namespace
}  // namespace turnkeeper::monitor
