#include "monitor/probe/probe_result.hpp"

namespace turnkeeper::monitor {

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::resolve:
      return "resolve";
    case Phase::connect:
      return "connect";
    case Phase::tls:
      return "tls";
    case Phase::allocate:
      return "allocate";
    case Phase::bind:
      return "bind";
    case Phase::echo:
      return "echo";
    case Phase::refresh:
      return "refresh";
  }
  return "";
}

}  // namespace turnkeeper::monitor
