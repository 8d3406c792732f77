#include "turnkeeper/kube/reflector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scripted_transport.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

std::string pod_text(const std::string& name, const std::string& version) {
  return json{{"metadata", {{"name", name}, {"namespace", "ns"}, {"uid", name}, {"resourceVersion", version}}}}.dump();
}

std::string list_of(const std::string& version, const std::vector<std::string>& items, const std::string& next = "") {
  std::string joined;
  for (const auto& item : items) joined += (joined.empty() ? "" : ",") + item;
  return R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + next + R"("},"items":[)" + joined +
         "]}";
}

std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

class ReflectorTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string names() const {
    std::string out;
    for (const auto& object : reflector.store().list()) out += key_of(*object).name + " ";
    return out;
  }
  std::chrono::milliseconds step() { return reflector.step({}); }
  [[nodiscard]] const std::string& last_path() const { return transport->requests.back().path; }

  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>();
  Client client{transport};
  ManualClock clock;
  double random = 0.5;
  int changes = 0;
  Reflector reflector{
      client, {.type = pods, .label_selector = "app=relay", .on_change = [this](auto&) { ++changes; }}, clock, [this] {
        return random;
      }};
};

TEST_F(ReflectorTest, ListsAllPagesThenWatchesFromThere) {
  transport->answer(200, list_of("10", {pod_text("a", "1")}, "next page"));
  transport->answer(200, list_of("10", {pod_text("b", "2")}));
  EXPECT_EQ(step(), 0ms);
  EXPECT_EQ(names(), "a b ");
  EXPECT_THAT(transport->requests[0].path, HasSubstr("limit=500"));
  EXPECT_THAT(transport->requests[0].path, HasSubstr("labelSelector=app%3Drelay"));
  EXPECT_THAT(transport->requests[1].path, HasSubstr("continue=next%20page"));
  transport->watch({.chunks = {event("DELETED", pod_text("a", "11")), event("ADDED", pod_text("c", "12"))}});
  EXPECT_EQ(step(), 0ms);
  EXPECT_THAT(last_path(), HasSubstr("resourceVersion=10"));
  EXPECT_THAT(last_path(), HasSubstr("allowWatchBookmarks=true"));
  EXPECT_EQ(names(), "b c ");
  EXPECT_EQ(changes, 4);
}

TEST_F(ReflectorTest, GoesOnFromTheLastBookmark) {
  transport->answer(200, list_of("10", {}));
  step();
  transport->watch({.chunks = {event("BOOKMARK", pod_text("", "99"))}});
  EXPECT_EQ(step(), 0ms);
  EXPECT_EQ(names(), "");
  transport->watch({.chunks = {event("ADDED", pod_text("a", "100"))}});
  step();
  EXPECT_THAT(last_path(), HasSubstr("resourceVersion=99"));
}

TEST_F(ReflectorTest, ReadsAnEventThatCameInPieces) {
  transport->answer(200, list_of("10", {}));
  step();
  const std::string whole = event("ADDED", pod_text("a", "11"));
  transport->watch({.chunks = {whole.substr(0, 7), whole.substr(7, 20), whole.substr(27)}});
  step();
  EXPECT_EQ(names(), "a ");
}

TEST_F(ReflectorTest, ACutStreamLosesNothingAndWaits) {
  transport->answer(200, list_of("10", {}));
  step();
  transport->watch({.chunks = {event("ADDED", pod_text("a", "11")), R"({"type":"ADDED","object":{"meta)"},
                    .cut = Error(ErrorKind::unreachable, "cut")});
  EXPECT_EQ(step(), 400ms);
  EXPECT_EQ(names(), "a ");
  transport->watch({.chunks = {event("ADDED", pod_text("b", "12"))}});
  step();
  EXPECT_THAT(last_path(), HasSubstr("resourceVersion=11"));
  EXPECT_EQ(names(), "a b ");
}

TEST_F(ReflectorTest, ALineThatIsNotJsonEndsTheWatchOnly) {
  transport->answer(200, list_of("10", {pod_text("a", "1")}));
  step();
  transport->watch({.chunks = {"{\"type\":\"ADDED\",\"object\":{\"metadata\"\n"}});
  EXPECT_GT(step(), 0ms);
  EXPECT_EQ(names(), "a ");
  ASSERT_TRUE(reflector.trouble());
  EXPECT_THAT(reflector.trouble()->message, HasSubstr("not JSON"));
}

TEST_F(ReflectorTest, AfterGoneListsFromTheLastVersionThenTheNewest) {
  transport->answer(200, list_of("10", {pod_text("a", "1")}));
  step();
  transport->watch({.chunks = {R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                               "\n"}});
  EXPECT_EQ(step(), 0ms);
  transport->answer(410, R"({"kind":"Status","code":410,"reason":"Expired"})");
  EXPECT_EQ(step(), 0ms);
  EXPECT_THAT(last_path(), HasSubstr("resourceVersion=10&resourceVersionMatch=NotOlderThan"));
  transport->answer(200, list_of("500", {pod_text("b", "400")}));
  EXPECT_EQ(step(), 0ms);
  EXPECT_THAT(last_path(), Not(HasSubstr("resourceVersion")));
  EXPECT_EQ(names(), "b ");
}

TEST_F(ReflectorTest, GoneAgainAndAgainIsNotATightLoop) {
  for (int i = 0; i < 3; ++i) {
    transport->answer(200, list_of("10", {}));
    step();
    transport->watch({.refusal = {410, R"({"code":410})", {}}});
    const auto delay = step();
    if (i > 0) {
      EXPECT_GT(delay, 0ms) << i;
    }
  }
}

TEST_F(ReflectorTest, TooManyRequestsIsWaitedOutWithoutANewList) {
  transport->answer(200, list_of("10", {}));
  step();
  transport->watch({.refusal = {429, R"({"code":429,"message":"slow down"})", 7s}});
  EXPECT_EQ(step(), 7000ms);
  transport->watch({.chunks = {event("ADDED", pod_text("a", "11"))}});
  step();
  EXPECT_THAT(last_path(), HasSubstr("watch=true"));
  EXPECT_THAT(last_path(), HasSubstr("resourceVersion=10"));
}

TEST_F(ReflectorTest, AnUnreachableServerIsAskedLessAndLessOften) {
  random = 0.999999;
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 8; ++i) {
    transport->fail_with(ErrorKind::unreachable);
    transport->fail_with(ErrorKind::unreachable);  // a GET is sent twice
    delays.push_back(step());
  }
  EXPECT_EQ(delays.front(), 799ms);
  EXPECT_EQ(delays[1], 1599ms);
  EXPECT_EQ(delays.back(), 29999ms);
  EXPECT_FALSE(reflector.store().synced());
}

TEST_F(ReflectorTest, AServerThatEndsEveryWatchAtOnceIsNotAskedInATightLoop) {
  transport->answer(200, list_of("10", {}));
  step();
  transport->watch({});
  EXPECT_EQ(step(), 400ms);
  transport->watch({});
  EXPECT_EQ(step(), 800ms);
  transport->watch({.during = [this] { clock.advance(6min); }});
  EXPECT_EQ(step(), 0ms) << "the ordinary end of a long watch";
}

TEST_F(ReflectorTest, SaysWhatToDoWhenTheKindIsUnknown) {
  transport->answer(404, "404 page not found");
  EXPECT_GT(step(), 0ms);
  ASSERT_TRUE(reflector.trouble());
  EXPECT_THAT(reflector.trouble()->message, HasSubstr("does not know pods"));
  EXPECT_THAT(reflector.trouble()->advice, HasSubstr("CustomResourceDefinition"));
  transport->answer(200, list_of("10", {}));
  step();
  EXPECT_FALSE(reflector.trouble());
}

TEST_F(ReflectorTest, AListWhosePagesExpiredIsReadInOnePiece) {
  transport->answer(200, list_of("10", {pod_text("a", "1")}, "c1"));
  transport->answer(410, R"({"code":410})");
  transport->answer(200, list_of("20", {pod_text("a", "1"), pod_text("b", "2")}));
  EXPECT_EQ(step(), 0ms);
  EXPECT_THAT(last_path(), Not(HasSubstr("limit")));
  EXPECT_EQ(names(), "a b ");
}

TEST_F(ReflectorTest, StopEndsTheWaitAfterAFailure) {
  random = 0.999;
  transport->answer(200, list_of("10", {}));
  std::stop_source stop;
  // Stopped in the middle of a watch, with a wait of up to 30 s ahead.
  transport->watch({.cut = Error(ErrorKind::cancelled, "stopped"), .during = [&] { stop.request_stop(); }});
  const SteadyTime begin = real_clock().steady();
  reflector.run(stop.get_token());
  EXPECT_LT(real_clock().steady() - begin, 500ms);
  EXPECT_FALSE(reflector.trouble()) << "stopping is no trouble";
}

}  // namespace
}  // namespace turnkeeper::kube
