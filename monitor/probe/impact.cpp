#include "monitor/probe/impact.hpp"

namespace turnkeeper::monitor {

Impact impact(api::Cause cause) {
  switch (cause) {
    case api::Cause::none:
      return Impact::none;
    case api::Cause::internal:
      return Impact::unknown;
    case api::Cause::ssrf_open:
    case api::Cause::old_key_accepted:
    case api::Cause::expired_accepted:
      return Impact::degraded;
    default:
      return Impact::unusable;
  }
}

}  // namespace turnkeeper::monitor
