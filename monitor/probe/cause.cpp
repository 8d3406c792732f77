#include "monitor/probe/cause.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using turn::Failure;
using turn::Operation;

Cause cause_of_code(Operation operation, int code) {
  switch (code) {
    case 300:
      return Cause::redirected;
    case 401:
      return Cause::auth_secret;
    case 403:
      return operation == Operation::channel_bind ? Cause::peer_denied : Cause::draining;
    case 437:
      return operation == Operation::refresh ? Cause::restarted : Cause::protocol;
    case 438:
      return Cause::stale_nonce;
    case 486:
      return Cause::quota;
    case 508:
      return Cause::ports_exhausted;
    default:
      return Cause::protocol;
  }
}

}  // namespace

Diagnosis diagnose(const Failure& failure) {
  const std::string operation(turn::operation_name(failure.operation));
  switch (failure.kind) {
    case Failure::Kind::timeout:
      return diagnose_silence({.waiting_for = failure.operation});
    case Failure::Kind::malformed:
      return {Cause::protocol, operation + ": " + failure.reason};
    case Failure::Kind::unauthorized:
      return {Cause::auth_secret, operation + ": 401 to a fresh credential (" + failure.reason + ")"};
    case Failure::Kind::stale_nonce:
      return {Cause::stale_nonce, operation + ": 438 to the nonce that the relay had just given"};
    case Failure::Kind::error_response:
      break;
  }
  std::string detail = operation + ": " + std::to_string(failure.code);
  if (!failure.reason.empty()) detail += " " + failure.reason;
  if (failure.alternate_server) detail += ", to " + failure.alternate_server->to_string();
  return {cause_of_code(failure.operation, failure.code), std::move(detail)};
}

Diagnosis diagnose_silence(const Silence& silence) {
  const std::string operation(turn::operation_name(silence.waiting_for));
  if (silence.forged > 0) {
    return {Cause::protocol,
            operation + ": the answers fail MESSAGE-INTEGRITY (" + std::to_string(silence.forged) + " dropped)"};
  }
  if (silence.waiting_for == Operation::allocate && silence.challenged) {
    return {Cause::allocate_timeout, "the first Allocate got its 401, the one with credentials got no answer"};
  }
  if (silence.waiting_for == Operation::allocate && silence.binding_answered) {
    return {Cause::allocate_timeout, "Binding is answered, Allocate is not"};
  }
  return {Cause::timeout, silence.waiting_for == Operation::allocate
                              ? "no answer at all, neither to Allocate nor to Binding"
                              : operation + " got no answer, though the allocation was made"};
}

}  // namespace turnkeeper::monitor
