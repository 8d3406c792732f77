// Agents that answer, answer otherwise, and fall silent.
#include "monitor/service/agent_poll.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;

const RelayId eu0{"calls", "eu", "eu-0"};

Fleet fleet_of(const std::string& agent) {
  Cluster cluster{.name = "calls"};
  cluster.regions = {{"eu", {}, {{.name = "eu-0", .uris = {turn_uri("127.0.0.1")}, .agent = agent}}}};
  return Fleet{{cluster}};
}

class AgentPollTest : public testing::Test {
 protected:
  AgentPollTest() {
    http::Router router;
    router.get("/v1/state", [this](const http::Request&) {
      ++asked_;
      return status_ == 200 ? http::Response::json(answer_) : http::Response::text("no", status_);
    });
    auto server = http::Server::listen(io_, "127.0.0.1:0", std::move(router));
    if (!server) throw std::runtime_error(server.error().text());
    server_ = std::move(*server);
  }

  bool until(const std::function<bool()>& condition) {
    const auto deadline = Deadline::after(real_clock(), 20s);
    while (!condition() && !deadline.expired(real_clock())) io_.run_one_for(20ms);
    return condition();
  }

  boost::asio::io_context io_;
  std::string answer_ = R"({"sessions":1})";
  int status_ = 200;
  int asked_ = 0;
  std::unique_ptr<http::Server> server_;
  std::vector<std::optional<AgentState>> heard_;
  AgentPoll agents_{io_.get_executor(),
                    real_clock(),
                    {.interval = 50ms, .patience = 100ms, .forgotten = 300ms},
                    [this](const RelayId& id, const AgentState* state) {
                      EXPECT_EQ(id, eu0);
                      heard_.push_back(state ? std::optional(*state) : std::nullopt);
                    }};
};

TEST_F(AgentPollTest, WhatAnAgentSaysIsHeardAgainAndAgain) {
  agents_.set(fleet_of(server_->address()));
  ASSERT_TRUE(until([&] { return heard_.size() >= 2; }));
  EXPECT_EQ(heard_.back()->sessions, 1U);
  answer_ = R"({"sessions":2,"draining":true})";
  EXPECT_TRUE(until([&] { return heard_.back()->sessions == 2U && heard_.back()->draining; }));
}

TEST_F(AgentPollTest, AnAgentThatFallsSilentIsForgottenOnceAndHeardAgainWhenItIsBack) {
  agents_.set(fleet_of(server_->address()));
  ASSERT_TRUE(until([&] { return !heard_.empty(); }));
  status_ = 503;
  ASSERT_TRUE(until([&] { return !heard_.back(); }));
  const auto said = heard_.size();
  const auto asked = asked_;
  ASSERT_TRUE(until([&] { return asked_ > asked + 3; })) << "it is still asked";
  EXPECT_EQ(heard_.size(), said);
  status_ = 200;
  EXPECT_TRUE(until([&] { return heard_.back().has_value(); }));
}

TEST_F(AgentPollTest, ARelayWithoutAnAgentIsNotAsked) {
  agents_.set(fleet_of(server_->address()));
  ASSERT_TRUE(until([&] { return asked_ > 0; }));
  agents_.set(fleet_of(""));
  heard_.clear();
  io_.run_for(200ms);
  EXPECT_TRUE(heard_.empty());
}

TEST_F(AgentPollTest, AnAddressThatIsNoneHarmsNobody) {
  agents_.set(fleet_of("no address"));
  io_.run_for(1200ms);
  EXPECT_TRUE(heard_.empty());
}

}  // namespace
}  // namespace turnkeeper::monitor
