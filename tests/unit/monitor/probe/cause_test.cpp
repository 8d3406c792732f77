#include "monitor/probe/cause.hpp"

#include <gtest/gtest.h>

#include <set>

#include "monitor/probe/impact.hpp"
#include "monitor/probe/probe_result.hpp"
#include "monitor/probe/throughput.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using turn::Failure;
using turn::Operation;

Failure refused(Operation operation, int code, const char* reason = "") {
  Failure failure;
  failure.operation = operation;
  failure.kind = Failure::Kind::error_response;
  failure.code = code;
  failure.reason = reason;
  return failure;
}

TEST(Cause, EveryCodeThatAnOperatorActsOnHasItsOwn) {
  EXPECT_EQ(diagnose(refused(Operation::allocate, 300)).cause, Cause::redirected);
  EXPECT_EQ(diagnose(refused(Operation::allocate, 403)).cause, Cause::draining);
  EXPECT_EQ(diagnose(refused(Operation::channel_bind, 403)).cause, Cause::peer_denied);
  EXPECT_EQ(diagnose(refused(Operation::allocate, 486)).cause, Cause::quota);
  EXPECT_EQ(diagnose(refused(Operation::allocate, 508)).cause, Cause::ports_exhausted);
  for (const int code : {400, 437, 441, 500}) {
    EXPECT_EQ(diagnose(refused(Operation::allocate, code)).cause, Cause::protocol) << code;
  }
  EXPECT_EQ(diagnose(refused(Operation::allocate, 440)).cause, Cause::family_unsupported);
  EXPECT_EQ(diagnose(refused(Operation::allocate, 442)).cause, Cause::transport_unsupported);
  EXPECT_EQ(diagnose(refused(Operation::refresh, 437)).cause, Cause::restarted);
  EXPECT_EQ(diagnose({.operation = Operation::allocate, .kind = Failure::Kind::unauthorized, .code = 401}).cause,
            Cause::auth_secret);
  EXPECT_EQ(diagnose({.operation = Operation::refresh, .kind = Failure::Kind::stale_nonce, .code = 438}).cause,
            Cause::stale_nonce_loop);
  EXPECT_EQ(diagnose({.operation = Operation::allocate, .kind = Failure::Kind::malformed}).cause, Cause::protocol);
}

TEST(Cause, TheDetailNamesWhatWasRefusedAndHow) {
  EXPECT_EQ(diagnose(refused(Operation::channel_bind, 403, "Forbidden IP")).detail, "ChannelBind: 403 Forbidden IP");
  auto redirect = refused(Operation::allocate, 300, "Try Alternate");
  redirect.alternate_server = *turn::SocketAddress::parse("192.0.2.4:3478");
  EXPECT_EQ(diagnose(redirect).detail, "Allocate: 300 Try Alternate, to 192.0.2.4:3478");
}

TEST(Cause, SilenceIsToldApartByWhatElseAnswered) {
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate}).cause, Cause::connect_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .binding_answered = true}).cause,
            Cause::allocate_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .challenged = true}).cause, Cause::allocate_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::channel_bind, .challenged = true}).cause,
            Cause::connect_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .challenged = true, .forged = 2}).cause,
            Cause::protocol);
}

TEST(Cause, EachWayNotToConnectHasItsOwn) {
  using Kind = turn::ConnectFailure::Kind;
  const auto cause = [](Kind kind) { return diagnose(turn::ConnectFailure{.kind = kind, .detail = "why"}).cause; };
  EXPECT_EQ(cause(Kind::refused), Cause::connect_refused);
  EXPECT_EQ(cause(Kind::unreachable), Cause::unreachable);
  EXPECT_EQ(cause(Kind::timeout), Cause::connect_timeout);
  EXPECT_EQ(cause(Kind::closed), Cause::tls_handshake);
  EXPECT_EQ(cause(Kind::tls_handshake), Cause::tls_handshake);
  EXPECT_EQ(cause(Kind::certificate_expired), Cause::cert_expired);
  EXPECT_EQ(cause(Kind::certificate_name), Cause::cert_name);
  EXPECT_EQ(cause(Kind::certificate_untrusted), Cause::cert_untrusted);
  EXPECT_EQ(cause(Kind::no_socket), Cause::internal) << "the prober's own failure blames no relay";
}

TEST(Cause, APathThatBreaksIsToldByWhatHadBeenReached) {
  using Kind = turn::PathFailure::Kind;
  EXPECT_EQ(diagnose(turn::PathFailure{Kind::refused, ""}, false).cause, Cause::connect_refused);
  EXPECT_EQ(diagnose(turn::PathFailure{Kind::unreachable, ""}, true).cause, Cause::unreachable);
  EXPECT_EQ(diagnose(turn::PathFailure{Kind::closed, ""}, false).cause, Cause::protocol);
  EXPECT_EQ(diagnose(turn::PathFailure{Kind::closed, ""}, true).cause, Cause::restarted);
}

TEST(Cause, ARefusedCredentialIsExplainedByWhatElseTheRelayTakes) {
  EXPECT_EQ(diagnose_unauthorized({}).cause, Cause::auth_secret);
  EXPECT_EQ(diagnose_unauthorized({.lasting_accepted = true}).cause, Cause::auth_clock);
  EXPECT_EQ(diagnose_unauthorized({.lasting_accepted = true, .worked_here = true}).cause, Cause::auth_clock);
  EXPECT_EQ(diagnose_unauthorized({.lasting_accepted = false, .accepted_key = "k1", .worked_here = true}).cause,
            Cause::auth_secret);
  EXPECT_EQ(diagnose_unauthorized({.worked_here = true}).cause, Cause::auth_database);
  EXPECT_EQ(diagnose_unauthorized({.keys_refused = 2, .works_elsewhere = true}).cause, Cause::auth_database);
  // One key alone may have been left out on this relay.
  EXPECT_EQ(diagnose_unauthorized({.keys_refused = 1, .works_elsewhere = true}).cause, Cause::auth_secret);
  using namespace std::chrono_literals;
  EXPECT_NE(diagnose_unauthorized({.lasting_accepted = true, .our_lag = 90s}).detail.find("90 s behind"),
            std::string::npos);
}

TEST(Impact, WhatWorksButShouldNotIsNoReasonToLeave) {
  for (const auto cause : {Cause::ssrf_open, Cause::old_key_accepted, Cause::expired_accepted}) {
    EXPECT_EQ(impact(cause), Impact::degraded) << api::cause_name(cause);
  }
  for (const auto cause : {Cause::wrong_public_address, Cause::data_path, Cause::auth_clock, Cause::cert_expired}) {
    EXPECT_EQ(impact(cause), Impact::unusable) << api::cause_name(cause);
  }
  EXPECT_EQ(impact(Cause::internal), Impact::unknown);
  EXPECT_EQ(impact(Cause::none), Impact::none);
}

TEST(Throughput, NobodyFloodsARelayByMistake) {
  const auto plan = bounded({.packets = 1'000'000'000, .size = 65'000, .per_second = 1'000'000});
  EXPECT_LE(plan.packets, max_throughput_packets);
  EXPECT_LE(plan.size, max_throughput_size);
  EXPECT_LE(plan.packets / plan.per_second, 10);
  EXPECT_GE(bounded({.packets = -1, .size = 0, .per_second = 0}).packets, 1);
}

TEST(Phase, NamesAreDistinctLabels) {
  std::set<std::string_view> names;
  for (const auto phase :
       {Phase::resolve, Phase::connect, Phase::tls, Phase::allocate, Phase::bind, Phase::echo, Phase::refresh}) {
    names.insert(phase_name(phase));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"allocate", "bind", "connect", "echo", "refresh", "resolve", "tls"}));
}

}  // namespace
}  // namespace turnkeeper::monitor
