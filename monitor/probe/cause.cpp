#include "monitor/probe/cause.hpp"

#include <cstdlib>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using turn::ConnectFailure;
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
      return Cause::stale_nonce_loop;
    case 440:
    case 443:  // the peer is of another family than the relayed address
      return Cause::family_unsupported;
    case 442:
      return Cause::transport_unsupported;
    case 486:
      return Cause::quota;
    case 508:
      return Cause::ports_exhausted;
    default:
      return Cause::protocol;
  }
}

Cause cause_of(ConnectFailure::Kind kind) {
  switch (kind) {
    case ConnectFailure::Kind::refused:
      return Cause::connect_refused;
    case ConnectFailure::Kind::unreachable:
      return Cause::unreachable;
    case ConnectFailure::Kind::timeout:
      return Cause::connect_timeout;
    case ConnectFailure::Kind::closed:
    case ConnectFailure::Kind::tls_handshake:
      return Cause::tls_handshake;
    case ConnectFailure::Kind::certificate_expired:
      return Cause::cert_expired;
    case ConnectFailure::Kind::certificate_name:
      return Cause::cert_name;
    case ConnectFailure::Kind::certificate_untrusted:
      return Cause::cert_untrusted;
    case ConnectFailure::Kind::no_socket:
      return Cause::internal;
  }
  return Cause::internal;
}

std::string seconds_text(std::chrono::seconds time) {
  return std::to_string(std::abs(time.count())) + " s";
}

// Whose clock is off, as far as can be told.
std::string clock_detail(const AuthEvidence& evidence) {
  constexpr auto noticeable = std::chrono::seconds(5);
  std::string detail = "Allocate: 401 to a credential that is good until " + rfc3339(evidence.expires) +
                       ", but not to one of the same key that is good for years: ";
  if (evidence.our_lag && *evidence.our_lag > noticeable) {
    return detail + "this monitor's clock is " + seconds_text(*evidence.our_lag) + " behind the other monitors'";
  }
  if (evidence.our_lag) return detail + "the relay's clock is ahead; this monitor's agrees with the others'";
  return detail + "the relay's clock is ahead of ours, or ours is behind";
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
      return {Cause::stale_nonce_loop, operation + ": 438 to the nonce that the relay had just given"};
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
  return {Cause::connect_timeout, silence.waiting_for == Operation::allocate
                                      ? "no answer at all, neither to Allocate nor to Binding"
                                      : operation + " got no answer, though the allocation was made"};
}

Diagnosis diagnose(const turn::PathFailure& failure, bool allocated) {
  switch (failure.kind) {
    case turn::PathFailure::Kind::refused:
      return {Cause::connect_refused, failure.reason};
    case turn::PathFailure::Kind::unreachable:
      return {Cause::unreachable, failure.reason};
    case turn::PathFailure::Kind::closed:
      break;
  }
  if (allocated) return {Cause::restarted, "the connection with the allocation on it broke: " + failure.reason};
  return {Cause::protocol, "the connection ended instead of an answer to Allocate: " + failure.reason};
}

Diagnosis diagnose(const ConnectFailure& failure) {
  return {cause_of(failure.kind), failure.detail};
}

Diagnosis diagnose_unauthorized(const AuthEvidence& evidence) {
  if (evidence.lasting_accepted.value_or(false)) return {Cause::auth_clock, clock_detail(evidence)};
  if (evidence.accepted_key) {
    return {Cause::auth_secret,
            "Allocate: 401 to the key that is issued, while the relay accepts key " + *evidence.accepted_key};
  }
  const std::string refused = evidence.keys_refused == 1
                                  ? "Allocate: 401 to a fresh credential"
                                  : "Allocate: 401 to each of " + std::to_string(evidence.keys_refused) + " keys";
  if (evidence.worked_here) return {Cause::auth_database, refused + ", of a key that this relay accepted before"};
  if (evidence.works_elsewhere && evidence.keys_refused > 1) {
    return {Cause::auth_database, refused + ", which other relays accept"};
  }
  if (evidence.works_elsewhere) return {Cause::auth_secret, refused + ", which other relays accept"};
  return {Cause::auth_secret, refused};
}

}  // namespace turnkeeper::monitor
