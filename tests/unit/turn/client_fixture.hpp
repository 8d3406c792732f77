// A Client and a ScriptedServer that talk to each other under a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include "scripted_server.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/turn/client.hpp"

namespace turnkeeper::turn {

using namespace std::chrono_literals;
using Datagram = ScriptedServer::Datagram;

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() : client(config()) {}

  static ClientConfig config() {
    ClientConfig config;
    config.username = "1700086400:probe";
    config.password = Secret("secret");
    config.retransmission.rto = 100ms;
    return config;
  }

  // Carries datagrams to and fro until nobody has anything to say.
  void exchange() {
    client.on_time(clock.steady());
    while (const auto request = client.poll_transmit()) {
      sent.emplace_back(request->begin(), request->end());
      if (silent) continue;
      if (const auto answer = server.answer(*request)) {
        last_answer = *answer;
        EXPECT_FALSE(client.receive(*answer, clock.steady()));
      }
    }
    while (auto event = client.poll_event()) events.push_back(std::move(*event));
  }

  // Lets time pass, meeting every timeout of the client on the way.
  void run_for(std::chrono::nanoseconds time) {
    const auto end = clock.steady() + time;
    while (const auto next = client.next_timeout()) {
      if (*next > end) break;
      if (*next > clock.steady()) clock.advance(*next - clock.steady());
      exchange();
    }
    if (end > clock.steady()) clock.advance(end - clock.steady());
  }

  template <class T>
  [[nodiscard]] const T* find() const {
    for (const auto& event : events) {
      if (const auto* found = std::get_if<T>(&event)) return found;
    }
    return nullptr;
  }

  [[nodiscard]] const Failure* failure() const { return find<Failure>(); }

  void allocate() {
    client.allocate(clock.steady());
    exchange();
  }

  ManualClock clock;
  ScriptedServer server;
  Client client;
  std::vector<Event> events;
  std::vector<Datagram> sent;
  Datagram last_answer;
  bool silent = false;
};

}  // namespace turnkeeper::turn
