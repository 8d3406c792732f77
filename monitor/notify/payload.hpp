// The shapes in which receivers take a notification. Pure.
//
// generic, application/json; fields are only ever added within version 1:
//   {"schema": "turnkeeper.io/notification/v1", "id": "...", "event": "incident.started", "severity": "warning",
//    "time": "2026-08-01T12:00:00Z", "vantage": "laptop", "title": "...", "text": "...", "statusUrl": "...",
//    "subject": {"key", "scope", "cluster", "region", "relays": [...], "relayCount", "cause", "detail", "advice",
//                "runbook", "from", "to", "started", "ended", "durationSeconds"}}
//   `id` is the same when a message is sent again because its answer was lost.
// slack: {"text", "attachments": [{"color", "fallback", "title", "text", "fields", "footer", "ts"}]}, which Mattermost,
//   Rocket.Chat and Discord (URL with /slack) take as well.
// ntfy: the text as body; Title, Priority, Tags and Click as headers.
#pragma once

#include <map>
#include <string>

#include "monitor/notify/receiver.hpp"

namespace turnkeeper::monitor {

struct Payload {
  std::string content_type;
  std::map<std::string, std::string> headers;
  std::string body;
};

struct PayloadContext {
  std::string vantage;
  std::string status_url;  // empty: no link
  SystemTime now;
};

[[nodiscard]] Payload make_payload(Receiver::Type type, const Notification& notification,
                                   const PayloadContext& context);

// "45 s", "12 min", "3 h 20 min", "2 days 4 h".
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);

}  // namespace turnkeeper::monitor
