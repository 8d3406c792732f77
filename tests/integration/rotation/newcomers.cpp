#include "newcomers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "blocking_client.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::test {

using namespace std::chrono_literals;

namespace {

bool is_signed(const turn::Credential& credential, const Secret& secret) {
  return turn::time_limited_password(secret, credential.username) == credential.password;
}

}  // namespace

turn::Credential fetch_credential(const std::string& monitor, const std::string& user) {
  const auto reply =
      http::fetch("http://" + monitor, {.target = "/v1/ice?user=" + user}, Deadline::after(real_clock(), 10s));
  EXPECT_TRUE(reply) << reply.error().text();
  if (!reply) return {};
  EXPECT_EQ(reply->status, 200) << reply->body;
  if (reply->status != 200) return {};
  const auto config = nlohmann::json::parse(reply->body);
  for (const auto& server : config.at("iceServers")) {
    if (server.contains("username")) return {.username = server["username"], .password = Secret(server["credential"])};
  }
  ADD_FAILURE() << "no credential: " << reply->body;
  return {};
}

Newcomers::Newcomers(std::string monitor, std::vector<std::string> relays)
    : monitor_(std::move(monitor)), relays_(std::move(relays)) {
  thread_ = std::jthread([this](std::stop_token stop) { come(stop); });
}

Newcomers::Tally Newcomers::tally() const {
  std::lock_guard lock(mutex_);
  return tally_;
}

void Newcomers::retire(const Secret& secret) {
  std::lock_guard lock(mutex_);
  retired_.push_back(secret);
}

void Newcomers::expire(const Secret& secret) {
  std::lock_guard lock(mutex_);
  std::erase_if(credentials_, [&](const turn::Credential& credential) { return is_signed(credential, secret); });
}

void Newcomers::come(std::stop_token stop) {
  for (int i = 0; !stop.stop_requested(); ++i) {
    {
      std::lock_guard lock(mutex_);
      // Under the lock: one that is on its way while its key expires would be missed by expire().
      const auto fresh = fetch_credential(monitor_, "newcomer" + std::to_string(i));
      if (fresh.username.empty()) tally_.refused.emplace_back("the monitor gave no credential");
      credentials_.push_back(fresh);
      allocate(fresh);
      allocate(credentials_.front());
      allocate(credentials_[static_cast<std::size_t>(i) * 7919 % credentials_.size()]);
    }
    std::this_thread::sleep_for(20ms);
  }
}

void Newcomers::allocate(const turn::Credential& credential) {
  for (const auto& relay : relays_) {
    BlockingClient client(relay, credential);
    const std::string answer = client.allocate();
    ++tally_.allocations;
    const bool retired =
        std::ranges::any_of(retired_, [&](const auto& secret) { return is_signed(credential, secret); });
    tally_.with_retired_keys += retired ? 1 : 0;
    if (!answer.empty()) tally_.refused.push_back(relay + ": " + answer);
  }
}

}  // namespace turnkeeper::test
