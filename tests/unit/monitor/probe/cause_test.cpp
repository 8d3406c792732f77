#include "monitor/probe/cause.hpp"

#include <gtest/gtest.h>

#include <set>

#include "monitor/probe/probe_result.hpp"

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
  for (const int code : {400, 437, 440, 441, 442, 500}) {
    EXPECT_EQ(diagnose(refused(Operation::allocate, code)).cause, Cause::protocol) << code;
  }
  EXPECT_EQ(diagnose({.operation = Operation::allocate, .kind = Failure::Kind::unauthorized, .code = 401}).cause,
            Cause::auth_secret);
  EXPECT_EQ(diagnose({.operation = Operation::refresh, .kind = Failure::Kind::stale_nonce, .code = 438}).cause,
            Cause::stale_nonce);
  EXPECT_EQ(diagnose({.operation = Operation::allocate, .kind = Failure::Kind::malformed}).cause, Cause::protocol);
}

TEST(Cause, TheDetailNamesWhatWasRefusedAndHow) {
  EXPECT_EQ(diagnose(refused(Operation::channel_bind, 403, "Forbidden IP")).detail, "ChannelBind: 403 Forbidden IP");
  auto redirect = refused(Operation::allocate, 300, "Try Alternate");
  redirect.alternate_server = *turn::SocketAddress::parse("192.0.2.4:3478");
  EXPECT_EQ(diagnose(redirect).detail, "Allocate: 300 Try Alternate, to 192.0.2.4:3478");
}

TEST(Cause, SilenceIsToldApartByWhatElseAnswered) {
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate}).cause, Cause::timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .binding_answered = true}).cause,
            Cause::allocate_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .challenged = true}).cause, Cause::allocate_timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::channel_bind, .challenged = true}).cause, Cause::timeout);
  EXPECT_EQ(diagnose_silence({.waiting_for = Operation::allocate, .challenged = true, .forged = 2}).cause,
            Cause::protocol);
}

TEST(Phase, NamesAreDistinctLabels) {
  std::set<std::string_view> names;
  for (const auto phase : {Phase::resolve, Phase::connect, Phase::allocate, Phase::bind, Phase::echo, Phase::refresh}) {
    names.insert(phase_name(phase));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"allocate", "bind", "connect", "echo", "refresh", "resolve"}));
}

}  // namespace
}  // namespace turnkeeper::monitor
