#include "monitor/ice_api/refusal.hpp"

#include "monitor/shape/native.hpp"

namespace turnkeeper::monitor {

Trouble trouble_of(const Refusal& refusal, bool shown) {
  return {.status = refusal.status,
          .error = refusal.error,
          .no_key = refusal.status == 401 && !shown,
          .retry_after = refusal.retry_after};
}

Trouble trouble_of(const IceFailure& failure) {
  switch (failure.kind) {
    case IceFailure::Kind::bad_request:
      return {.status = 400, .error = failure.error};
    case IceFailure::Kind::not_found:
      return {.status = 404, .error = failure.error};
    case IceFailure::Kind::unavailable:
      break;
  }
  return {.status = 503, .error = failure.error};
}

http::Response problem(const Refusal& refusal) {
  return native_refusal(trouble_of(refusal, true));
}

}  // namespace turnkeeper::monitor
