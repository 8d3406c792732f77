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
    CauseWord{
        Cause::connect_refused, "connect-refused",
        "check that the relay's process runs, listens for this transport, and that no firewall rejects its turn port"},
    CauseWord{Cause::unreachable, "unreachable",
              "check the relay's address and the routes to it from where the monitor runs"},
    CauseWord{Cause::connect_timeout, "connect-timeout",
              "check that the relay's node is up and reachable, and that no firewall drops its turn port"},
    CauseWord{Cause::tls_handshake, "tls-handshake",
              "check that the relay has a certificate and key that belong together, and that the port is its TLS port"},
    CauseWord{Cause::cert_expired, "cert-expired",
              "renew the relay's certificate and have it loaded: SIGUSR2 to coturn"},
    CauseWord{Cause::cert_name, "cert-name",
              "give the relay a certificate that holds the name which clients connect to"},
    CauseWord{Cause::cert_untrusted, "cert-untrusted",
              "give the relay a certificate with its whole chain from an authority that clients trust, or name the "
              "authority's file to the monitor"},
    CauseWord{Cause::auth_secret, "auth-secret", "check that the relay's turndb holds the issuing signing key"},
    CauseWord{Cause::auth_clock, "auth-clock",
              "set the clocks of the relay's node and of the issuer by NTP, and compare them with date -u"},
    CauseWord{Cause::auth_database, "auth-database",
              "check the relay's turndb: that the file is there and whole, not locked, and its disk not full"},
    CauseWord{Cause::stale_nonce_loop, "stale-nonce-loop",
              "look for a load balancer that spreads one client over several relays: each has its own nonces"},
    CauseWord{Cause::draining, "draining",
              "nothing, if a roll or a scale-down is under way; else restart the relay to end its drain"},
    CauseWord{Cause::peer_denied, "peer-denied",
              "allow the relay's own address in peers.allow: a denied range covers it"},
    CauseWord{Cause::family_unsupported, "family-unsupported",
              "give the relay an address of that family as relay-ip, or take the family out of what clients are told"},
    CauseWord{Cause::transport_unsupported, "transport-unsupported",
              "serve that transport on the relay, or take it out of transports"},
    CauseWord{Cause::quota, "quota", "raise limits.sessions or limits.sessionsPerUser, or add replicas"},
    CauseWord{Cause::ports_exhausted, "ports-exhausted", "widen ports.relayMin to ports.relayMax, or add replicas"},
    CauseWord{Cause::redirected, "redirected",
              "remove alternate-server from the relay's configuration: most clients do not follow it"},
    CauseWord{Cause::allocate_timeout, "allocate-timeout",
              "restart the relay: its listener answers, its allocations do not; keep a core or its log for a report"},
    CauseWord{Cause::restarted, "restarted",
              "find out why the relay's process ended: its log, the pod's last state, the node's memory"},
    CauseWord{
        Cause::data_path, "data-path",
        "check that no firewall drops the relay port range, and the relay's external address and bandwidth limits"},
    CauseWord{Cause::wrong_public_address, "wrong-public-address",
              "correct the relay's publicAddress or external-ip: clients are told an address that is not its own"},
    CauseWord{Cause::ssrf_open, "ssrf-open",
              "deny the special-purpose ranges as peers: whoever has a credential can reach the relay's own network"},
    CauseWord{
        Cause::old_key_accepted, "old-key-accepted",
        "remove the old signing key from the relay's turndb, and restart a relay that has it in its configuration"},
    CauseWord{Cause::expired_accepted, "expired-accepted",
              "set the relay's clock by NTP, and check that no fixed user has the same name: a leaked credential works "
              "for ever"},
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
