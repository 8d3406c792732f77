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

TEST(ProbeText, ACertificateAndTheIpVersionHaveBlackboxsNames) {
  ProbeResult result{.ok = true, .server = "[2001:db8::1]:5349"};
  result.endpoint = {turn::Protocol::tls, *turn::SocketAddress::parse("[2001:db8::1]:5349")};
  result.tls_version = "TLSv1.3";
  result.certificate.emplace();
  result.certificate->not_after = SystemTime(1'800'000'000s);
  const auto text = probe_text(result);
  EXPECT_THAT(text, HasSubstr("\nprobe_ip_protocol 6\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_ssl_earliest_cert_expiry 1800000000\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_tls_version_info{version=\"TLSv1.3\"} 1\n"));
}

TEST(ProbeText, WhatWorksInSpiteOfSomethingIsASuccessThatSaysSo) {
  const auto text = probe_text({.ok = true, .cause = api::Cause::redirected});
  EXPECT_THAT(text, HasSubstr("\nprobe_success 1\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_degraded{cause=\"redirected\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("probe_failure")));
}

TEST(ProbeText, FindingsOfThePathChecksFailTheProbeThatAskedForThem) {
  const PathReport checks{.findings = {{api::Cause::ssrf_open, "10.0.0.1"}, {api::Cause::old_key_accepted, "k1"}}};
  const auto text = probe_text({.ok = true}, &checks);
  EXPECT_THAT(text, HasSubstr("\nprobe_success 0\n"));
  EXPECT_THAT(text, HasSubstr("\nprobe_failure{cause=\"ssrf-open\"} 1\nprobe_failure{cause=\"old-key-accepted\"} 1\n"));
  const PathReport clean;
  EXPECT_THAT(probe_text({.ok = true}, &clean), HasSubstr("\nprobe_success 1\n"));
}

}  // namespace
}  // namespace turnkeeper::monitor
