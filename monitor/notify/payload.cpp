#include "monitor/notify/payload.hpp"

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::ordered_json;
using Event = Notification::Event;

constexpr const char* project = "https://github.com/turnkeeper/turnkeeper/blob/main/";

bool is_end(const Notification& notification) {
  return notification.ended.has_value();
}

std::string runbook_url(api::Cause cause) {
  const auto anchor = api::runbook_anchor(cause);
  return anchor.empty() ? anchor : project + anchor;
}

std::chrono::seconds duration_of(const Notification& notification) {
  return std::chrono::duration_cast<std::chrono::seconds>(notification.ended.value_or(notification.started) -
                                                          notification.started);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string joined(const Notification& notification) {
  std::string text;
  for (const auto& relay : notification.relays) text += (text.empty() ? "" : ", ") + relay;
  if (notification.relay_count > notification.relays.size()) {
    text += " and " + std::to_string(notification.relay_count - notification.relays.size()) + " more";
  }
  return text;
}

// For people: what is known, then what to do.
std::string sentences(const Notification& notification) {
  std::string text = notification.text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "\n") + more; };
  if (is_end(notification)) {
    add("It took " + duration_text(duration_of(notification)) + ".");
    return text;
  }
  if (!notification.detail.empty()) add("Seen: " + notification.detail);
  if (const auto advice = api::cause_advice(notification.cause); !advice.empty()) add("Next: " + std::string(advice));
  return text;
}

Payload generic(const Notification& notification, const PayloadContext& context) {
  Json subject{{"key", notification.key},
               {"scope", notification.scope},
               {"cluster", notification.cluster},
               {"region", notification.region},
               {"relays", notification.relays},
               {"relayCount", notification.relay_count},
               {"cause", api::cause_name(notification.cause)},
               {"detail", notification.detail},
               {"advice", api::cause_advice(notification.cause)},
               {"runbook", runbook_url(notification.cause)}};
  if (notification.event == Event::failover_started || notification.event == Event::failover_ended) {
    subject["from"] = notification.from;
    subject["to"] = notification.to;
  }
  if (notification.started != SystemTime{}) subject["started"] = rfc3339(notification.started);
  if (notification.ended) {
    subject["ended"] = rfc3339(*notification.ended);
    subject["durationSeconds"] = duration_of(notification).count();
  }
  Json json{{"schema", "turnkeeper.io/notification/v1"},
            {"id", context.vantage + "/" + notification.key + "/" + std::to_string(unix_seconds(notification.started)) +
                       "/" + std::string(event_name(notification.event))},
            {"event", event_name(notification.event)},
            {"severity", severity_name(notification.severity)},
            {"time", rfc3339(context.now)},
            {"vantage", context.vantage},
            {"title", notification.title},
            {"text", notification.text}};
  if (!context.status_url.empty()) json["statusUrl"] = context.status_url;
  json["subject"] = std::move(subject);
  return {.content_type = "application/json", .headers = {}, .body = dump(json)};
}

// What Slack's markup takes for its own.
std::string slack_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

const char* color_of(const Notification& notification) {
  if (is_end(notification)) return "#2e9e5b";
  switch (notification.severity) {
    case Severity::critical:
      return "#c62828";
    case Severity::warning:
      return "#d98c00";
    case Severity::info:
      break;
  }
  return "#4a6fa5";
}

Payload slack(const Notification& notification, const PayloadContext& context) {
  Json fields = Json::array();
  const auto field = [&](const char* title, const std::string& value) {
    if (!value.empty()) fields.push_back({{"title", title}, {"value", slack_text(value)}, {"short", true}});
  };
  field("Cluster", notification.cluster);
  field("Region", notification.region);
  field("Relays", joined(notification));
  field("Cause", std::string(api::cause_name(notification.cause)));
  std::string text = slack_text(sentences(notification));
  if (const auto runbook = runbook_url(notification.cause); !runbook.empty() && !is_end(notification)) {
    text += "\n<" + runbook + "|Runbook>";
  }
  if (!context.status_url.empty()) text += "\n<" + context.status_url + "|Status page>";
  const std::string title = (is_end(notification) ? "Resolved: " : "") + notification.title;
  const Json attachment{{"color", color_of(notification)},
                        {"fallback", title},
                        {"text", text},
                        {"fields", std::move(fields)},
                        {"footer", slack_text("Turnkeeper, seen from " + context.vantage)},
                        {"ts", unix_seconds(context.now)}};
  return {.content_type = "application/json",
          .headers = {},
          .body = dump({{"text", slack_text(title)}, {"attachments", Json::array({attachment})}})};
}

// A header's value: nothing that could end it.
std::string header_text(const std::string& text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

Payload ntfy(const Notification& notification, const PayloadContext& context) {
  const bool over = is_end(notification);
  const char* priority = "3";
  const char* tag = "information_source";
  if (!over && notification.severity == Severity::critical) {
    priority = "5";
    tag = "rotating_light";
  } else if (!over && notification.severity == Severity::warning) {
    priority = "4";
    tag = "warning";
  } else if (over) {
    tag = "white_check_mark";
  }
  Payload payload{.content_type = "text/plain; charset=utf-8", .headers = {}, .body = sentences(notification)};
  if (payload.body.empty()) payload.body = notification.title;
  payload.headers["Title"] = header_text((over ? "Resolved: " : "") + notification.title);
  payload.headers["Priority"] = priority;
  payload.headers["Tags"] = std::string(tag) + ",turnkeeper";
  const auto click = context.status_url.empty() ? runbook_url(notification.cause) : context.status_url;
  if (!click.empty()) payload.headers["Click"] = header_text(click);
  return payload;
}

}  // namespace

std::string duration_text(std::chrono::seconds duration) {
  const auto seconds = std::max<std::int64_t>(0, duration.count());
  const auto pair = [](std::int64_t big, const char* unit, std::int64_t small, const char* small_unit) {
    std::string text = std::to_string(big) + unit;
    return small == 0 ? text : text + " " + std::to_string(small) + small_unit;
  };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return pair(seconds / 60, " min", seconds < 600 ? seconds % 60 : 0, " s");
  if (seconds < 86400) return pair(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return pair(seconds / 86400, seconds < 172800 ? " day" : " days", seconds % 86400 / 3600, " h");
}

Payload make_payload(Receiver::Type type, const Notification& notification, const PayloadContext& context) {
  switch (type) {
    case Receiver::Type::slack:
      return slack(notification, context);
    case Receiver::Type::ntfy:
      return ntfy(notification, context);
    case Receiver::Type::generic:
      break;
  }
  return generic(notification, context);
}

}  // namespace turnkeeper::monitor
