#include "turnkeeper/http/sse.hpp"

#include <gmock/gmock.h>

namespace turnkeeper::http {
namespace {

using ::testing::ElementsAre;

std::vector<Event> parse(const std::vector<std::string>& chunks) {
  EventParser parser;
  std::vector<Event> events;
  for (const auto& chunk : chunks) {
    auto some = parser.feed(chunk);
    EXPECT_TRUE(some) << some.error().text();
    for (auto& event : *some) events.push_back(std::move(event));
  }
  return events;
}

TEST(ServerSentEvents, WireFormIsTheStandards) {
  EXPECT_EQ(render_event({.name = "config", .id = "7", .data = "{}"}), "event: config\nid: 7\ndata: {}\n\n");
  EXPECT_EQ(render_event({.name = "", .id = "", .data = "two\nlines"}), "data: two\ndata: lines\n\n");
}

TEST(ServerSentEvents, NameAndIdCannotSmuggleFields) {
  EXPECT_EQ(render_event({.name = "a\nid: 9", .id = "1\r\ndata: x", .data = "d\re"}),
            "event: aid: 9\nid: 1data: x\ndata: de\n\n");
}

TEST(ServerSentEvents, WhatIsWrittenIsRead) {
  const Event event{.name = "config", .id = "12", .data = "{\n \"a\": 1\n}"};
  EXPECT_THAT(parse({render_event(event)}), ElementsAre(event));
}

TEST(ServerSentEvents, BytesMayArriveInAnyPieces) {
  const std::string text = "retry: 1000\n\n: heartbeat\n\nevent: a\r\nid: 1\r\ndata: x\r\n\r\ndata: y\n\n";
  std::vector<std::string> bytes;
  for (const char c : text) bytes.emplace_back(1, c);
  EXPECT_THAT(parse(bytes), ElementsAre(Event{"a", "1", "x"}, Event{"", "", "y"}));
}

TEST(ServerSentEvents, EndlessEventIsAnError) {
  EventParser parser;
  EXPECT_FALSE(parser.feed(std::string(9 * 1024 * 1024, 'x')));
}

}  // namespace
}  // namespace turnkeeper::http
