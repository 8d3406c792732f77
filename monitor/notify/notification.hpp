// What people are told outside of the status page: one message about an incident or a failover, before it takes the
// shape that a receiver wants.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/verdict/incident.hpp"
#include "monitor/verdict/serving.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

enum class Severity { info, warning, critical };

[[nodiscard]] std::string_view severity_name(Severity severity);  // "info", "warning", "critical"
[[nodiscard]] Result<Severity> parse_severity(std::string_view name);

struct Notification {
  enum class Event {
    incident_started,
    incident_grew,  // told only when it has become more severe
    incident_resolved,
    failover_started,  // a region's clients went to another region
    failover_ended,    // ... and came back
    summary,           // messages that were held back because there were too many
    test,
  };
  Event event = Event::test;
  Severity severity = Severity::info;
  std::string key;    // what it is about: the same for its start and its end
  std::string title;  // one line: "Relay eu-0 is down: data-path"
  std::string text;   // what is known and what to do next, a few sentences; may be empty
  std::string scope;  // of an incident: "relay", "region" or "cluster"
  std::string cluster;
  std::string region;               // empty: more than one
  std::vector<std::string> relays;  // those concerned, at most 20 of them named
  std::size_t relay_count = 0;      // how many they are
  api::Cause cause = api::Cause::none;
  std::string detail;  // what was seen, from the relay or the network
  std::string from;    // of a failover: regions; empty: nobody
  std::string to;
  SystemTime started;
  std::optional<SystemTime> ended;  // of a resolved incident and a failover that has ended
};

[[nodiscard]] std::string_view event_name(Notification::Event event);  // "incident.started", ...

[[nodiscard]] Notification incident_notification(const IncidentEvent& event);
// Of a failover and its end. `started`: of the failover that it ends, if that is known.
[[nodiscard]] Notification failover_notification(const Failover& failover, std::optional<SystemTime> started);

}  // namespace turnkeeper::monitor
