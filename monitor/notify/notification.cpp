#include "monitor/notify/notification.hpp"

#include <array>

namespace turnkeeper::monitor {
namespace {

constexpr std::array<std::string_view, 3> severities = {"info", "warning", "critical"};
constexpr std::size_t most_named = 20;

Notification::Event event_of(IncidentEvent::What what) {
  switch (what) {
    case IncidentEvent::What::started:
      return Notification::Event::incident_started;
    case IncidentEvent::What::grew:
      return Notification::Event::incident_grew;
    case IncidentEvent::What::ended:
      break;
  }
  return Notification::Event::incident_resolved;
}

// "Relay eu-0", "3 of 10 relays of region eu", "All relays of media/prod"
std::string who(const Incident& incident) {
  const auto count = incident.relays.size();
  if (incident.scope == Incident::Scope::relay && count == 1) return "Relay " + incident.relays.front().relay;
  const std::string where = incident.scope == Incident::Scope::cluster ? incident.cluster : "region " + incident.region;
  const bool all = count == incident.relays_in_scope;
  return (all ? (count == 2 ? "Both" : "All " + std::to_string(count))
              : std::to_string(count) + " of " + std::to_string(incident.relays_in_scope)) +
         " relays of " + where;
}

}  // namespace

std::string_view severity_name(Severity severity) {
  return severities[static_cast<std::size_t>(severity)];
}

Result<Severity> parse_severity(std::string_view name) {
  for (std::size_t i = 0; i < severities.size(); ++i) {
    if (severities[i] == name) return static_cast<Severity>(i);
  }
  return fail("'" + std::string(name) + "' is no severity", "use info, warning or critical");
}

std::string_view event_name(Notification::Event event) {
  switch (event) {
    case Notification::Event::incident_started:
      return "incident.started";
    case Notification::Event::incident_grew:
      return "incident.grew";
    case Notification::Event::incident_resolved:
      return "incident.resolved";
    case Notification::Event::failover_started:
      return "failover.started";
    case Notification::Event::failover_ended:
      return "failover.ended";
    case Notification::Event::summary:
      return "summary";
    case Notification::Event::test:
      break;
  }
  return "test";
}

Notification incident_notification(const IncidentEvent& event) {
  const auto& incident = event.incident;
  const bool one = incident.relays.size() == 1;
  const bool down = incident.verdict == api::Verdict::unhealthy;
  const bool over = event.what == IncidentEvent::What::ended;
  const bool wide = incident.scope != Incident::Scope::relay && incident.relays.size() == incident.relays_in_scope;
  Notification out{.event = event_of(event.what),
                   .severity = down && wide ? Severity::critical : Severity::warning,
                   .key = incident.key,
                   .scope = std::string(scope_name(incident.scope)),
                   .cluster = incident.cluster,
                   .region = incident.region,
                   .relay_count = incident.relays.size(),
                   .cause = incident.cause,
                   .detail = incident.detail,
                   .started = incident.started,
                   .ended = over ? incident.ended : std::nullopt};
  for (const auto& id : incident.relays) {
    if (out.relays.size() < most_named) out.relays.push_back(id.relay);
  }
  const std::string verb = one ? " is " : " are ";
  const std::string cause(api::cause_name(incident.cause));
  if (over) {
    out.title = who(incident) + verb + "well again";
    out.text = one ? "It is proven by a real allocation." : "Each is proven by a real allocation.";
  } else {
    out.title = who(incident) + verb + (down ? "down" : "degraded") + (cause.empty() ? "" : ": " + cause);
    out.text = down ? "New clients are given other relays, where one works." : "Clients are still sent there.";
  }
  return out;
}

Notification failover_notification(const Failover& failover, std::optional<SystemTime> started) {
  const bool over = failover.is_return();
  Notification out{.event = over ? Notification::Event::failover_ended : Notification::Event::failover_started,
                   .severity = Severity::critical,
                   .key = "failover/" + failover.cluster + "/" + failover.region,
                   .cluster = failover.cluster,
                   .region = failover.region,
                   .cause = failover.cause,
                   .from = failover.from,
                   .to = failover.to,
                   .started = started.value_or(failover.at)};
  if (over) {
    out.ended = failover.at;
    out.title = "Region " + failover.region + " serves its own clients again";
    out.text = "Calls that went over " + (failover.from.empty() ? "nobody" : failover.from) + " return by themselves.";
  } else if (failover.to.empty()) {
    out.title = "Nobody serves region " + failover.region;
    out.text =
        "No relay of it is usable and neither is one of its backups: calls that need a relay fail. Bring back any one "
        "relay first.";
  } else {
    out.title = "Region " + failover.region + " is served by " + failover.to;
    out.text = "No relay of " + failover.region + " is usable, so its clients were sent to " + failover.to +
               ". Calls go on with a longer way round; clients return by themselves once a relay is proven.";
  }
  return out;
}

}  // namespace turnkeeper::monitor
