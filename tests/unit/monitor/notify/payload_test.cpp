#include "monitor/notify/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const SystemTime begun{1'700'000'000s};
const PayloadContext context{"laptop", "https://monitor.example.org/", begun + 2s};

Notification down() {
  return {.event = Notification::Event::incident_started,
          .severity = Severity::warning,
          .key = "incident-7",
          .title = "Relay eu-0 is down: auth-secret",
          .text = "New clients are given other relays, where one works.",
          .scope = "relay",
          .cluster = "media/prod",
          .region = "eu",
          .relays = {"eu-0"},
          .relay_count = 1,
          .cause = api::Cause::auth_secret,
          .detail = "401 <Unauthorized> & more",
          .started = begun};
}
Notification resolved() {
  auto notification = down();
  notification.event = Notification::Event::incident_resolved;
  notification.title = "Relay eu-0 is well again";
  notification.ended = begun + 754s;
  return notification;
}

TEST(GenericPayload, IsAsDocumented) {
  const auto payload = make_payload(Receiver::Type::generic, down(), context);
  EXPECT_EQ(payload.content_type, "application/json");
  const auto advice = std::string(api::cause_advice(api::Cause::auth_secret));
  EXPECT_EQ(json::parse(payload.body),
            (json{{"schema", "turnkeeper.io/notification/v1"},
                  {"id", "laptop/incident-7/1700000000/incident.started"},
                  {"event", "incident.started"},
                  {"severity", "warning"},
                  {"time", "2023-11-14T22:13:22Z"},
                  {"vantage", "laptop"},
                  {"title", "Relay eu-0 is down: auth-secret"},
                  {"text", "New clients are given other relays, where one works."},
                  {"statusUrl", "https://monitor.example.org/"},
                  {"subject",
                   {{"key", "incident-7"},
                    {"scope", "relay"},
                    {"cluster", "media/prod"},
                    {"region", "eu"},
                    {"relays", {"eu-0"}},
                    {"relayCount", 1},
                    {"cause", "auth-secret"},
                    {"detail", "401 <Unauthorized> & more"},
                    {"advice", advice},
                    {"runbook", "https://github.com/turnkeeper/turnkeeper/blob/main/docs/runbook.md#auth-secret"},
                    {"started", "2023-11-14T22:13:20Z"}}}}));
}

TEST(GenericPayload, AnEndSaysHowLongItTook) {
  const auto body = json::parse(make_payload(Receiver::Type::generic, resolved(), context).body);
  EXPECT_EQ(body["event"], "incident.resolved");
  EXPECT_EQ(body["subject"]["durationSeconds"], 754);
  EXPECT_EQ(body["subject"]["ended"], "2023-11-14T22:25:54Z");
}

TEST(SlackPayload, SaysWhatWhyAndWhatToDo) {
  const auto body = json::parse(make_payload(Receiver::Type::slack, down(), context).body);
  EXPECT_EQ(body["text"], "Relay eu-0 is down: auth-secret");
  ASSERT_EQ(body["attachments"].size(), 1u);
  const auto& attachment = body["attachments"][0];
  const std::string text = attachment["text"];
  EXPECT_THAT(text, HasSubstr("401 &lt;Unauthorized&gt; &amp; more")) << "it would be taken for markup";
  EXPECT_THAT(text, HasSubstr(std::string(api::cause_advice(api::Cause::auth_secret))));
  EXPECT_THAT(text, HasSubstr("<https://monitor.example.org/|Status page>"));
  EXPECT_TRUE(attachment.contains("color"));
  EXPECT_TRUE(attachment.contains("fallback"));
}

TEST(SlackPayload, AnEndLooksLikeOne) {
  const auto start = json::parse(make_payload(Receiver::Type::slack, down(), context).body);
  const auto body = json::parse(make_payload(Receiver::Type::slack, resolved(), context).body);
  EXPECT_EQ(body["text"], "Resolved: Relay eu-0 is well again");
  EXPECT_NE(body["attachments"][0]["color"], start["attachments"][0]["color"]);
  EXPECT_THAT(body["attachments"][0]["text"].get<std::string>(), HasSubstr("12 min"));
}

TEST(NtfyPayload, UsesTitlePriorityAndTags) {
  const auto payload = make_payload(Receiver::Type::ntfy, down(), context);
  EXPECT_EQ(payload.headers.at("Title"), "Relay eu-0 is down: auth-secret");
  EXPECT_EQ(payload.headers.at("Priority"), "4");
  EXPECT_THAT(payload.headers.at("Tags"), HasSubstr("warning"));
  EXPECT_EQ(payload.headers.at("Click"), "https://monitor.example.org/");
  EXPECT_THAT(payload.body, HasSubstr("Next: "));
  auto grave = down();
  grave.severity = Severity::critical;
  EXPECT_EQ(make_payload(Receiver::Type::ntfy, grave, context).headers.at("Priority"), "5");
  EXPECT_EQ(make_payload(Receiver::Type::ntfy, resolved(), context).headers.at("Priority"), "3")
      << "nobody is woken because all is well";
}

TEST(NtfyPayload, ANameCannotForgeAHeader) {
  auto notification = down();
  notification.title = "evil\r\nX-Header: 1";
  EXPECT_THAT(make_payload(Receiver::Type::ntfy, notification, context).headers.at("Title"), Not(HasSubstr("\n")));
}

TEST(Payload, DetailThatIsNotUtf8DoesNotBreakIt) {
  auto notification = down();
  notification.detail = "reason \xff\xfe";
  for (const auto type : {Receiver::Type::generic, Receiver::Type::slack}) {
    EXPECT_FALSE(json::parse(make_payload(type, notification, context).body, nullptr, false).is_discarded());
  }
}

TEST(DurationText, IsShort) {
  EXPECT_EQ(duration_text(45s), "45 s");
  EXPECT_EQ(duration_text(95s), "1 min 35 s");
  EXPECT_EQ(duration_text(754s), "12 min");
  EXPECT_EQ(duration_text(3h + 20min), "3 h 20 min");
  EXPECT_EQ(duration_text(52h), "2 days 4 h");
}

TEST(ReceiverUrl, MistakesAreFoundWithoutRepeatingTheSecret) {
  EXPECT_TRUE(check_receiver_url(Secret("https://hooks.example.org/T000/token")));
  EXPECT_TRUE(check_receiver_url(Secret("http://127.0.0.1:8080/")));
  for (const char* url : {"", "hooks.example.org/token", "ftp://example.org/token", "https://", "https:///token",
                          "https://example.org/token\nX: 1"}) {
    const auto checked = check_receiver_url(Secret(url));
    ASSERT_FALSE(checked) << url;
    EXPECT_THAT(checked.error().text(), Not(HasSubstr("token")));
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
