#include "turnkeeper/api/health.hpp"

#include <array>

namespace turnkeeper::api {
namespace {

struct VerdictWord {
  Verdict verdict;
  std::string_view name;
};

constexpr std::array verdicts{
    VerdictWord{Verdict::healthy, "Healthy"},     VerdictWord{Verdict::degraded, "Degraded"},
    VerdictWord{Verdict::unhealthy, "Unhealthy"}, VerdictWord{Verdict::draining, "Draining"},
    VerdictWord{Verdict::unknown, "Unknown"},
};

struct CauseWord {
  Cause cause;
  std::string_view name;
  std::string_view advice;
};

constexpr std::array causes{
    CauseWord{Cause::none, "", ""},
    CauseWord{Cause::dns, "dns", "check that the relay's name has an address record, from where the monitor runs"},
    CauseWord{Cause::connect, "connect",
              "check that the relay's process runs and that no firewall refuses its turn port"},
    CauseWord{Cause::auth_secret, "auth-secret",
              "check that the relay's turndb holds the issuing signing key and that its clock is right"},
    CauseWord{Cause::stale_nonce, "stale-nonce",
              "look for a load balancer that spreads one client over several relays: each has its own nonces"},
    CauseWord{Cause::draining, "draining",
              "nothing, if a roll or a scale-down is under way; else restart the relay to end its drain"},
    CauseWord{Cause::peer_denied, "peer-denied",
              "allow the relay's own address in peers.allow: a denied range covers it"},
    CauseWord{Cause::quota, "quota", "raise limits.sessions or limits.sessionsPerUser, or add replicas"},
    CauseWord{Cause::ports_exhausted, "ports-exhausted", "widen ports.relayMin to ports.relayMax, or add replicas"},
    CauseWord{Cause::redirected, "redirected",
              "remove alternate-server from the relay's configuration: most clients do not follow it"},
    CauseWord{Cause::allocate_timeout, "allocate-timeout",
              "restart the relay: its listener answers, its allocations do not; keep a core or its log for a report"},
    CauseWord{Cause::timeout, "timeout",
              "check that the relay's node is up and reachable, and that no firewall drops its turn port"},
    CauseWord{Cause::restarted, "restarted",
              "find out why the relay's process ended: its log, the pod's last state, the node's memory"},
    CauseWord{
        Cause::data_path, "data-path",
        "check that no firewall drops the relay port range, and the relay's external address and bandwidth limits"},
    CauseWord{Cause::protocol, "protocol",
              "check that the address belongs to a TURN relay and that nothing on the way rewrites its packets"},
    CauseWord{Cause::internal, "internal", "look at the monitor itself: its log, its open file limit, its memory"},
};

const CauseWord& word(Cause cause) {
  for (const auto& entry : causes) {
    if (entry.cause == cause) return entry;
  }
  return causes.front();
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  for (const auto& entry : verdicts) {
    if (entry.verdict == verdict) return entry.name;
  }
  return "Unknown";
}

Result<Verdict> parse_verdict(std::string_view name) {
  for (const auto& entry : verdicts) {
    if (entry.name == name) return entry.verdict;
  }
  return fail("'" + std::string(name) + "' is no verdict", "use Healthy, Degraded, Unhealthy, Draining or Unknown");
}

std::string_view cause_name(Cause cause) {
  return word(cause).name;
}

Result<Cause> parse_cause(std::string_view name) {
  for (const auto& entry : causes) {
    if (entry.name == name) return entry.cause;
  }
  return fail("'" + std::string(name) + "' is no cause that this version knows", "see docs/runbook.md for the list");
}

std::string_view cause_advice(Cause cause) {
  return word(cause).advice;
}

std::string runbook_anchor(Cause cause) {
  const auto name = cause_name(cause);
  return name.empty() ? std::string() : "docs/runbook.md#" + std::string(name);
}

}  // namespace turnkeeper::api
