#include "monitor/service/probe_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(ProbeText, ASuccessHasItsTimesAndNoCause) {
  const auto text = probe_text({.ok = true, .phases = {{Phase::resolve, 1ms}, {Phase::echo, 250us}}, .total = 2ms});
  EXPECT_THAT(text, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_duration_seconds 0.002000000\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_phase_duration_seconds{phase=\"echo\"} 0.000250000\n"));
  EXPECT_THAT(text, Not(HasSubstr("probe_failure")));
}

TEST(ProbeText, AFailureHasItsCause) {
  const auto text = probe_text({.ok = false, .cause = api::Cause::dns});
  EXPECT_THAT(text, HasSubstr("\nprobe_success 0\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_failure{cause=\"dns\"} 1\n"));
}

}  // namespace
}  // namespace turnkeeper::monitor
