#include "monitor/service/agent_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

TEST(AgentStateTest, EverythingThatAnAgentSaysIsTaken) {
  const auto state = parse_agent_state(R"({"sessions":3,"sentBytes":5000000000,"receivedBytes":2,"bitsPerSecond":8,
    "keys":["k1","k2"],"configHash":"9f86","version":"4.18.0","draining":true,"starts":2,"certificateSerial":"0a1b",
    "fromTheFuture":[]})");
  ASSERT_TRUE(state) << state.error().text();
  EXPECT_EQ(*state, (AgentState{.sessions = 3,
                                .sent_bytes = 5'000'000'000,
                                .received_bytes = 2,
                                .bits_per_second = 8,
                                .keys = {"k1", "k2"},
                                .config_hash = "9f86",
                                .version = "4.18.0",
                                .draining = true,
                                .starts = 2,
                                .certificate_serial = "0a1b"}));
}

TEST(AgentStateTest, WhatTheKernelDoesNotSayIsAbsentAndNotZero) {
  const auto state = parse_agent_state("{}");
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, AgentState{});
  EXPECT_FALSE(state->sessions || state->sent_bytes);
}

TEST(AgentStateTest, SomethingElseOnThatPortIsNoAgent) {
  for (const char* text : {"", "ok", "[]", R"({"sessions":-1})", R"({"sessions":5000000000})", R"({"keys":"k1"})",
                           R"({"keys":[1]})", R"({"draining":1})", R"({"version":418})"}) {
    EXPECT_FALSE(parse_agent_state(text)) << text;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
