#include "turnkeeper/http/event_stream.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "live_server.hpp"

namespace turnkeeper::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Hands the stream that a client opened to the test.
class Streams {
 public:
  Router router() {
    Router router;
    router.events("/events", [this](const Request& request, const std::shared_ptr<EventStream>& stream) {
      if (request.field("refuse")) return std::optional(Response::problem(403, {"not for you", "bring a key"}));
      last_event_id = request.header("last-event-id");
      stream->on_close([this] { closed = true; });
      opened_.set_value(stream);
      return std::optional<Response>();
    });
    return router;
  }
  // Streams that nobody sends anything on.
  Router endless_router() {
    Router router;
    router.events("/events", [](const Request&, const std::shared_ptr<EventStream>&) { return std::nullopt; });
    return router;
  }
  std::shared_ptr<EventStream> wait() { return opened_.get_future().get(); }

  std::string last_event_id;
  std::atomic<bool> closed = false;

 private:
  std::promise<std::shared_ptr<EventStream>> opened_;
};

std::optional<Event> next(EventSource& source) {
  auto event = source.next(soon());
  EXPECT_TRUE(event) << event.error().text();
  return event ? *event : std::nullopt;
}

TEST(EventStream, DeliversEventsAndLastEventId) {
  Streams streams;
  LiveServer server(streams.router());
  auto source = EventSource::open(server.url(), {.target = "/events", .headers = {{"Last-Event-ID", "41"}}}, soon());
  ASSERT_TRUE(source) << source.error().text();
  const auto stream = streams.wait();
  EXPECT_EQ(streams.last_event_id, "41");
  for (const std::string id : {"42", "43"}) {
    stream->send({.name = "config", .id = id, .data = "{\"n\":\n" + id + "}"});
    EXPECT_EQ(next(*source), (Event{"config", id, "{\"n\":\n" + id + "}"}));
  }
  stream->close();
  EXPECT_FALSE(source->next(soon())) << "the end of the stream is an error for its reader";
}

TEST(EventStream, ReaderMayGiveUpWaitingAndAskAgain) {
  Streams streams;
  LiveServer server(streams.router());
  auto source = EventSource::open(server.url(), {.target = "/events"}, soon());
  ASSERT_TRUE(source) << source.error().text();
  const auto stream = streams.wait();
  for (int i = 0; i < 3; ++i) {
    const auto nothing = source->next(Deadline::after(real_clock(), 2ms));
    ASSERT_TRUE(nothing) << nothing.error().text();
    EXPECT_FALSE(nothing->has_value());
  }
  stream->send({.name = "late", .id = "1", .data = "x"});
  EXPECT_EQ(next(*source), (Event{"late", "1", "x"}));
}

TEST(EventStream, SlowReaderGetsTheNewestAndTheServerKeepsNoBacklog) {
  Streams streams;
  LiveServer server(streams.router());
  RawConnection reader(server.port(), 4096);
  reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  const auto stream = streams.wait();
  constexpr int kEvents = 200;
  const std::string large(256 * 1024, 'x');
  for (int i = 1; i <= kEvents; ++i) {
    server.on_loop([&] { stream->send({.name = "", .id = std::to_string(i), .data = large}); });
  }
  stream->send({.name = "", .id = "newest", .data = "y"});
  server.on_loop([] {});
  stream->close();
  const std::string text = reader.read_all();
  EXPECT_THAT(text, HasSubstr("id: newest\ndata: y\n\n"));
  EXPECT_LT(text.size(), large.size() * kEvents / 2) << "the server kept events that nobody read";
}

TEST(EventStream, StartsWithRetryAndBeatsWhileThereIsNothingToSay) {
  Streams streams;
  LiveServer server(streams.router(), {.heartbeat = 10ms});
  RawConnection reader(server.port());
  reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  const std::string text = reader.read_until(": heartbeat\n\n: heartbeat\n\n");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nretry: "));
}

TEST(EventStream, EachReaderIsToldAnotherTimeToComeBackAt) {
  Streams streams;
  LiveServer server(streams.endless_router());
  std::set<int> times;
  for (int i = 0; i < 20; ++i) {
    RawConnection reader(server.port());
    reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
    reader.read_until("retry: ");
    const int time = std::stoi(reader.read_until("\n\n"));
    EXPECT_GE(time, 500);
    EXPECT_LE(time, 1500);
    times.insert(time);
  }
  EXPECT_GT(times.size(), 10u) << "after a monitor's end its clients would all fall on another at once";
}

TEST(EventStream, EventsSentOnTheServersThreadArriveInOrder) {
  Streams streams;
  LiveServer server(streams.router());
  auto source = EventSource::open(server.url(), {.target = "/events"}, soon());
  ASSERT_TRUE(source) << source.error().text();
  const auto stream = streams.wait();
  server.on_loop([&] {
    for (int i = 1; i <= 3; ++i) stream->send({.name = "", .id = std::to_string(i), .data = "x"});
  });
  for (const std::string id : {"1", "2", "3"}) EXPECT_EQ(next(*source), (Event{"", id, "x"}));
}

TEST(EventStream, ReaderWhoTalksIsNotReadAndStaysConnected) {
  Streams streams;
  LiveServer server(streams.router());
  RawConnection reader(server.port());
  reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\nGET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  const auto stream = streams.wait();
  reader.send(std::string(100'000, 'x'));
  stream->send({.name = "", .id = "1", .data = "still here"});
  EXPECT_THAT(reader.read_until("still here"), HasSubstr("still here"));
  EXPECT_FALSE(streams.closed);
}

TEST(EventStream, ReaderWhoStopsReadingIsCutAfterTheWriteTimeout) {
  Streams streams;
  LiveServer server(streams.router(), {.write_timeout = 100ms});
  RawConnection reader(server.port(), 4096);
  reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
  const auto stream = streams.wait();
  stream->send({.name = "", .id = "1", .data = std::string(16 * 1024 * 1024, 'x')});
  const Deadline deadline = soon();
  while (!streams.closed && !deadline.expired(real_clock())) server.on_loop([] {});
  EXPECT_TRUE(streams.closed);
}

TEST(EventStream, OwnerLearnsThatTheReaderHasGone) {
  Streams streams;
  LiveServer server(streams.router());
  {
    RawConnection reader(server.port());
    reader.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
    streams.wait();
    EXPECT_FALSE(streams.closed);
  }
  const Deadline deadline = soon();
  while (!streams.closed && !deadline.expired(real_clock())) server.on_loop([] {});
  EXPECT_TRUE(streams.closed);
}

TEST(EventStream, ServerThatStopsEndsItsStreams) {
  Streams streams;
  LiveServer server(streams.router());
  auto source = EventSource::open(server.url(), {.target = "/events"}, soon());
  ASSERT_TRUE(source) << source.error().text();
  const auto stream = streams.wait();
  server.stop();
  EXPECT_FALSE(source->next(soon()));
  server.on_loop([] {});
  EXPECT_TRUE(streams.closed);
  stream->send({.name = "", .id = "", .data = "nobody is there"});
}

TEST(EventStream, RefusalReachesTheClientWithItsAdvice) {
  Streams streams;
  LiveServer server(streams.router());
  const auto source = EventSource::open(server.url(), {.target = "/events?refuse"}, soon());
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().text(), "not for you; bring a key");
}

}  // namespace
}  // namespace turnkeeper::http
