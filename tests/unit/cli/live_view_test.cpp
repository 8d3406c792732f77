#include "cli/live_view.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::cli {
namespace {

using namespace std::chrono_literals;
using api::Verdict;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const SystemTime kNow{std::chrono::seconds(1'700'000'000)};  // 22:13:20

monitor::RelayStatus relay(const std::string& name, Verdict verdict, api::Cause cause = api::Cause::none,
                           const std::string& detail = "") {
  return {.name = name,
          .address = "127.0.0.1:3478",
          .verdict = verdict,
          .cause = cause,
          .detail = detail,
          .since = kNow - 90s,
          .echo = 210us};
}

monitor::Status status_of(std::vector<monitor::RelayStatus> relays) {
  return {.vantage = "local",
          .clusters = {{.name = "demo", .regions = {{.name = "eu", .served_by = "eu", .relays = std::move(relays)}}}}};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

LiveView view_of(monitor::Status status) {
  return {.cluster = "demo", .url = "http://127.0.0.1:8480", .options = "", .now = kNow, .status = std::move(status)};
}

TEST(LiveView, ShowsWhatThereIsToKnowAboutARelay) {
  auto healthy = relay("eu-0", Verdict::healthy);
  healthy.probe = monitor::ProbeResult{
      .ok = true, .phases = {{monitor::Phase::allocate, 900us}, {monitor::Phase::echo, 30us}}, .total = 1234us};
  const std::string text = joined(render_live_view(view_of(status_of({healthy})), {.color = false}));
  for (const char* part : {"eu-0", "127.0.0.1:3478", "Healthy", "1 min", "0.21 ms", "1.23", "0.90", "0.03",
                           "http://127.0.0.1:8480/", "turnctl relay stop eu-0", "turnctl drill"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(LiveView, SaysWhyARelayIsDeadAndWhatToDo) {
  const auto view = view_of(status_of({relay("eu-0", Verdict::unhealthy, api::Cause::auth_secret, "401")}));
  const std::string text = joined(render_live_view(view, {.columns = 300, .color = false}));
  EXPECT_THAT(text, HasSubstr("auth-secret: 401"));
  EXPECT_THAT(text, HasSubstr(std::string(api::cause_advice(api::Cause::auth_secret))));
  EXPECT_THAT(text, Not(HasSubstr("0.21 ms"))) << "the last echo of a dead relay";
}

TEST(LiveView, RelayThatWasStoppedOnPurposeSaysHowToBringItBack) {
  auto view = view_of(status_of({relay("eu-0", Verdict::unhealthy, api::Cause::connect_refused)}));
  view.held = {"eu-0"};
  view.options = " --state-dir /s";
  EXPECT_THAT(render_live_view(view, {.color = false}),
              Contains(HasSubstr("bring it back with turnctl relay start eu-0 --state-dir /s")));
}

TEST(LiveView, ShowsWhatAClientGetsAndFromWhere) {
  auto view = view_of(status_of({relay("eu-0", Verdict::unhealthy)}));
  view.offers = {{.servers = {{.urls = {"turn:127.0.0.1:3479?transport=udp"}, .relay = "us-0", .region = "us"}},
                  .region = "eu",
                  .served_by = "us"}};
  EXPECT_THAT(render_live_view(view, {.color = false}),
              Contains(AllOf(HasSubstr("A client in eu gets  us-0 udp"), HasSubstr("served by us"))));
}

TEST(LiveView, FitsTheScreenWhateverItsColors) {
  const auto view =
      view_of(status_of({relay("eu-0", Verdict::unhealthy, api::Cause::connect_timeout, std::string(500, 'x')),
                         relay("eu-1", Verdict::healthy)}));
  const auto plain = render_live_view(view, {.columns = 60, .rows = 6, .color = false});
  EXPECT_THAT(plain, SizeIs(6));
  for (const auto& line : plain) EXPECT_LE(line.size(), 60u) << line;
  const auto colored = render_live_view(view, {.columns = 60, .rows = 6, .color = true});
  ASSERT_THAT(colored, SizeIs(6));
  for (std::size_t i = 0; i < colored.size(); ++i) {
    std::string stripped = colored[i];
    for (std::size_t at; (at = stripped.find('\x1b')) != std::string::npos;) {
      stripped.erase(at, stripped.find('m', at) + 1 - at);
    }
    EXPECT_EQ(stripped, plain[i]);
  }
}

TEST(LiveView, TextOfARelayCannotSteerTheTerminal) {
  const auto view = view_of(status_of({relay("eu-0", Verdict::unhealthy, api::Cause::protocol, "\x1b[2Jgone\r\n")}));
  EXPECT_THAT(render_live_view(view, {.columns = 200, .color = false}), Each(Not(HasSubstr("\x1b"))));
}

TEST(Changes, OneLineForEachVerdictThatChanged) {
  const auto before = status_of({relay("eu-0", Verdict::healthy), relay("eu-1", Verdict::healthy)});
  const auto after = status_of(
      {relay("eu-0", Verdict::healthy), relay("eu-1", Verdict::unhealthy, api::Cause::connect_timeout, "no answer")});
  EXPECT_THAT(describe_changes(before, after, kNow), ElementsAre("22:13:20 eu-1 Unhealthy connect-timeout: no answer"));
  EXPECT_THAT(describe_changes(after, after, kNow), IsEmpty());
}

TEST(Changes, RelaysThatAreStillUnknownAtTheBeginningAreNoNews) {
  EXPECT_THAT(describe_changes({}, status_of({relay("eu-0", Verdict::unknown)}), kNow), IsEmpty());
  EXPECT_THAT(describe_changes({}, status_of({relay("eu-0", Verdict::healthy)}), kNow),
              ElementsAre("22:13:20 eu-0 Healthy"));
}

TEST(Changes, NewFailoversAreToldInTheOrderInWhichTheyHappened) {
  const monitor::Failover old{.at = kNow - 60s, .cluster = "demo", .region = "eu", .from = "us", .to = "eu"};
  const monitor::Failover away{.at = kNow - 2s,
                               .cluster = "demo",
                               .region = "eu",
                               .from = "eu",
                               .to = "us",
                               .cause = api::Cause::connect_timeout};
  const monitor::Failover back{.at = kNow, .cluster = "demo", .region = "eu", .from = "us", .to = "eu"};
  EXPECT_THAT(
      describe_changes({.failovers = {old}}, {.failovers = {back, away, old}}, kNow),
      ElementsAre("22:13:18 clients of eu: eu -> us (connect-timeout)", "22:13:20 clients of eu are back on eu"));
}

}  // namespace
}  // namespace turnkeeper::cli
