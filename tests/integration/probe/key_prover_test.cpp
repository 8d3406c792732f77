// Signing keys tried on a real relay whose database changes under it, as it does in a rotation.
#include "monitor/service/key_prover.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "live_relay.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using Phase = api::SigningKey::Phase;

class KeyProverTest : public testing::Test {
 protected:
  [[nodiscard]] Fleet fleet(const api::SigningKeys& staged, const api::SigningKeys& removed) const {
    Cluster cluster{.name = "calls"};
    cluster.signing_keys = {{"k1", Secret("north"), Phase::issuing, {}}};
    cluster.signing_keys.insert(cluster.signing_keys.end(), staged.begin(), staged.end());
    cluster.removed_keys = removed;
    cluster.regions = {{"eu", {}, {{.name = "eu-0", .uris = {turn_uri(relay_.host(), relay_.port())}}}}};
    return Fleet{{cluster}};
  }
  KeyProver::Options options() {
    KeyProver::Options options{.vantage = "test",
                               .resolver = std::make_shared<turn::Resolver>(io_.get_executor()),
                               .spread = 10ms,
                               .again = 50ms};
    options.answers = [this](const RelayId&) { return answers_; };
    options.on_proof = [this](const RelayId& id, const std::string& key, KeyProof proof) {
      EXPECT_EQ(id.relay, "eu-0");
      ++tries_;
      proofs_[key] = proof.accepted;
    };
    return options;
  }
  bool until(const std::function<bool()>& condition) {
    const auto deadline = Deadline::after(real_clock(), 20s);
    while (!condition() && !deadline.expired(real_clock())) io_.run_one_for(20ms);
    return condition();
  }
  bool proven(const std::string& key, bool accepted) {
    return until([&] { return proofs_.contains(key) && proofs_[key] == accepted; });
  }

  LiveRelay relay_{{.secret_in_database = true}};
  boost::asio::io_context io_;
  bool answers_ = true;
  int tries_ = 0;
  std::map<std::string, bool> proofs_;
  KeyProver prover_{io_.get_executor(), real_clock(), options()};
  const api::SigningKey k2_{"k2", Secret("south"), Phase::staged, {}};
};

TEST_F(KeyProverTest, AStagedKeyIsTriedUntilTheRelayHasIt) {
  prover_.set(fleet({k2_}, {}));
  ASSERT_TRUE(proven("k2", false));
  relay_.set_secrets({Secret("north"), Secret("south")});
  ASSERT_TRUE(proven("k2", true));
  const int tries = tries_;
  io_.run_for(300ms);
  EXPECT_EQ(tries_, tries) << "proven is proven";
  prover_.set(fleet({k2_}, {}));
  io_.run_for(300ms);
  EXPECT_EQ(tries_, tries) << "targets that say the same again are no news";
  EXPECT_EQ(relay_.wait_for_allocations(0), 0);
}

TEST_F(KeyProverTest, ARelayThatRestartedProvesItsKeysAnew) {
  relay_.set_secrets({Secret("north"), Secret("south")});
  prover_.set(fleet({k2_}, {}));
  ASSERT_TRUE(proven("k2", true));
  relay_.set_secrets({Secret("north")});
  prover_.again({"calls", "eu", "eu-0"});
  EXPECT_TRUE(proven("k2", false));
}

TEST_F(KeyProverTest, ARemovedKeyIsTriedUntilTheRelayRefusesIt) {
  relay_.set_secrets({Secret("north"), Secret("south")});
  auto removed = k2_;
  removed.phase = Phase::removed;
  prover_.set(fleet({}, {removed}));
  ASSERT_TRUE(proven("k2", true));
  relay_.set_secrets({Secret("north")});
  ASSERT_TRUE(proven("k2", false));
  const int tries = tries_;
  io_.run_for(300ms);
  EXPECT_EQ(tries_, tries);
}

TEST_F(KeyProverTest, WhatWasStagedAndIsRemovedMustNowBeRefused) {
  relay_.set_secrets({Secret("north"), Secret("south")});
  prover_.set(fleet({k2_}, {}));
  ASSERT_TRUE(proven("k2", true));
  auto removed = k2_;
  removed.phase = Phase::removed;
  relay_.set_secrets({Secret("north")});
  prover_.set(fleet({}, {removed}));
  EXPECT_TRUE(proven("k2", false));
}

TEST_F(KeyProverTest, ARelayThatIsDeadIsLeftAloneUntilItAnswers) {
  answers_ = false;
  prover_.set(fleet({k2_}, {}));
  io_.run_for(200ms);
  EXPECT_EQ(tries_, 0);
  answers_ = true;
  EXPECT_TRUE(proven("k2", false));
}

}  // namespace
}  // namespace turnkeeper::monitor
