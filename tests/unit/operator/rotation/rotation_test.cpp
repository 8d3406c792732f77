#include "operator/rotation/rotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using Phase = api::SigningKey::Phase;

// A cluster of two relays, its Secret, and an operator that looks at it when told.
class RotationTest : public ::testing::Test {
 protected:
  RotationTest() {
    auto first = first_keys(Secret("secret-1"), 24h, "", "", clock.system());
    in.keys = std::move(first.keys);
    in.record = std::move(first.record);
    in.ttl = 24h;
    in.every = 2160h;
    in.monitor_heard = true;
    in.relays = {{.name = "eu-0"}, {.name = "eu-1"}};
    in.new_secret = [this] { return Secret("secret-" + std::to_string(++secrets)); };
  }

  // One pass; what it writes is there for the next.
  Rotation pass() {
    in.now = clock.system();
    in.steady = clock.steady();
    auto rotation = rotate(in);
    in.keys = rotation.keys;
    in.record = rotation.record;
    in.sights = rotation.sights;
    return rotation;
  }
  // As long as there is something to write.
  Rotation settle() {
    for (int i = 0; i < 50; ++i) {
      auto rotation = pass();
      if (!rotation.changed) return rotation;
    }
    ADD_FAILURE() << "it writes for ever";
    return {};
  }
  void crash() { in.sights.clear(); }

  // "k1 Retiring, k2 Issuing"
  [[nodiscard]] std::string keys() const {
    std::string out;
    for (const auto& key : in.keys) {
      const char* phases[] = {"Staged", "Issuing", "Retiring", "Removed"};
      out += (out.empty() ? "" : ", ") + key.id + ' ' + phases[static_cast<int>(key.phase)];
    }
    return out;
  }
  void prove(const std::string& key, bool accepted) {
    for (auto& relay : in.relays) relay.accepts[key] = accepted;
  }
  // k1 retiring, k2 issuing, since just now.
  void up_to_issued() {
    in.rotate = "now";
    settle();
    prove("k2", true);
    settle();
    ASSERT_EQ(keys(), "k1 Retiring, k2 Issuing");
  }
  void supply(const std::string& value) {
    in.supplied = SuppliedSecret{.where = "Secret turn, entry value", .value = Secret(value), .trouble = ""};
  }

  ManualClock clock;
  RotationInput in;
  int secrets = 1;
};

TEST_F(RotationTest, AtRestNothingIsWritten) {
  const auto rotation = pass();
  EXPECT_FALSE(rotation.changed);
  EXPECT_EQ(rotation.phase, "Idle");
  EXPECT_EQ(rotation.current_key, "k1");
  EXPECT_TRUE(rotation.current);
  EXPECT_EQ(rotation.reason, "Current");
  EXPECT_EQ(rotation.next_rotation, clock.system() + 2160h);
  EXPECT_EQ(rotation.look_again, 2160h);
}

TEST_F(RotationTest, GoesThroughAllOfItsSteps) {
  clock.advance(2160h);
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  in.relays[0].accepts["k2"] = true;
  auto waiting = pass();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged") << "eu-1 would refuse every client";
  EXPECT_EQ(waiting.phase, "Proving");
  EXPECT_NE(waiting.message.find("eu-1"), std::string::npos) << waiting.message;
  EXPECT_EQ(waiting.message.find("eu-0"), std::string::npos) << waiting.message;

  in.relays[1].accepts["k2"] = true;
  waiting = settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
  EXPECT_EQ(waiting.phase, "WaitingOutTtl");
  EXPECT_EQ(waiting.current_key, "k2");

  clock.advance(24h + removal_margin - 1s);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "its last credential may have been made a moment before it retired";
  clock.advance(1s);
  waiting = settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
  EXPECT_EQ(waiting.phase, "ProvingRefusal");

  in.relays[0].accepts["k1"] = true;
  in.relays[1].accepts["k1"] = false;
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing") << "eu-0 still takes it";
  in.relays[0].accepts["k1"] = false;
  waiting = settle();
  EXPECT_EQ(keys(), "k2 Issuing");
  EXPECT_EQ(waiting.phase, "Idle");
  EXPECT_EQ(in.record.longest_ttl.size(), 1U);
}

TEST_F(RotationTest, TheNextOneBeginsAfterItsTimeAndNotBefore) {
  clock.advance(2160h - 1s);
  EXPECT_EQ(settle().look_again, 1s);
  EXPECT_EQ(keys(), "k1 Issuing");
  clock.advance(1s);
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
}

TEST_F(RotationTest, NeverByItselfWhenThatIsAsked) {
  in.every = 0s;
  clock.advance(87600h);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing");
  EXPECT_EQ(rotation.next_rotation, std::nullopt);
  EXPECT_EQ(rotation.look_again, std::nullopt);
}

TEST_F(RotationTest, EachNewTextOfTheAnnotationIsOneRotation) {
  in.rotate = "monday";
  auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(rotation.request, "monday");
  prove("k2", true);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "the same text is not a second request";
  in.rotate = "";
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
  in.rotate = "tuesday";
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing, k3 Staged") << "it need not wait for the old key's last credential";
}

TEST_F(RotationTest, ARequestDuringStagingIsMetByWhatIsStaged) {
  in.rotate = "monday";
  settle();
  in.rotate = "monday again";
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(rotation.request, "monday again");
}

TEST_F(RotationTest, TooManyRequestsWaitForOldKeysToGo) {
  for (int i = 2; i <= 9; ++i) {
    in.rotate = std::to_string(i);
    settle();
    prove("k" + std::to_string(i), true);
    settle();
  }
  EXPECT_EQ(in.keys.size(), static_cast<std::size_t>(accepted_keys_limit));
  EXPECT_NE(pass().message.find("the rotation asked for begins after that"), std::string::npos);
  clock.advance(24h + removal_margin);
  settle();
  EXPECT_EQ(in.keys.back().id, "k7") << keys();
}

TEST_F(RotationTest, WithoutAMonitorItWaitsAndSaysSo) {
  in.monitor_heard = false;
  in.relays.clear();  // pods restart: even then nothing is known
  in.rotate = "now";
  auto rotation = settle();
  EXPECT_TRUE(rotation.current) << "a monitor may be restarting";
  EXPECT_EQ(rotation.look_again, proof_patience);
  clock.advance(proof_patience);
  rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_FALSE(rotation.current);
  EXPECT_EQ(rotation.reason, "MonitorNotHeard");
}

TEST_F(RotationTest, ARelayThatCannotBeProvenBlocksItAndIsNamed) {
  in.rotate = "now";
  settle();
  in.relays[0].accepts["k2"] = true;
  in.relays[1].accepts["k2"] = false;
  clock.advance(30 * 24h);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_FALSE(rotation.current);
  EXPECT_EQ(rotation.reason, "RelayNotProven");
  EXPECT_NE(rotation.message.find("eu-1 (refuses it)"), std::string::npos) << rotation.message;
  EXPECT_TRUE(std::ranges::all_of(in.keys, [](const auto& key) { return key.phase != Phase::removed; }));
}

TEST_F(RotationTest, ARelayThatDoesNotServeNeedsNoProof) {
  in.rotate = "now";
  settle();
  in.relays = {{.name = "eu-0", .accepts = {{"k2", true}}}};  // eu-1 is down
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
}

TEST_F(RotationTest, TellsWhichAgentsDoNotHaveTheKeyYet) {
  in.rotate = "now";
  settle();
  in.relays[0].has = {"k1", "k2"};
  in.relays[0].accepts["k2"] = true;
  in.relays[1].has = {"k1"};
  auto rotation = settle();
  EXPECT_EQ(rotation.phase, "Staging");
  EXPECT_NE(rotation.message.find("eu-1 (its agent does not have it yet)"), std::string::npos) << rotation.message;
  in.relays[1].has = {"k1", "k2"};
  rotation = settle();
  EXPECT_EQ(rotation.phase, "Proving");
  EXPECT_NE(rotation.message.find("eu-1 (no monitor has tried it)"), std::string::npos) << rotation.message;
}

TEST_F(RotationTest, RelaysThatTheOperatorCannotReachBlockIt) {
  in.rotate = "now";
  in.out_of_reach = {"region us: its cluster does not answer"};
  settle();
  prove("k2", true);
  clock.advance(1h);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(rotation.reason, "RelaysOutOfReach");
  EXPECT_NE(rotation.message.find("region us"), std::string::npos);
}

TEST_F(RotationTest, AKeyThatIsStillAcceptedAfterItsRemovalIsAnAlert) {
  up_to_issued();
  clock.advance(25h);
  settle();
  prove("k1", true);
  clock.advance(proof_patience);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
  EXPECT_FALSE(rotation.current);
  EXPECT_EQ(rotation.reason, "KeyNotRefused");
  EXPECT_NE(rotation.message.find("eu-0 (accepts it)"), std::string::npos) << rotation.message;
}

TEST_F(RotationTest, CredentialsOfALongerTtlThanTodaysAreHonoured) {
  up_to_issued();
  in.ttl = 10min;
  clock.advance(10min + removal_margin);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "k1's were made for 24 h";
  in.rotate = "again";
  settle();
  prove("k3", true);
  settle();
  clock.advance(10min + removal_margin);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Retiring, k3 Issuing") << "k2 issued with 24 h for a moment";
}

TEST_F(RotationTest, ATtlThatGrowsCountsAtOnce) {
  in.ttl = 48h;
  settle();
  up_to_issued();
  clock.advance(47h);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
}

TEST_F(RotationTest, AnOperatorThatWasAwayForAMonthGoesOnWhereItWas) {
  in.rotate = "now";
  settle();
  clock.advance(30 * 24h);
  crash();
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged") << "time proves nothing";
  prove("k2", true);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "k1's credentials were made until now";
  EXPECT_EQ(rotation.next_rotation, clock.system() + 2160h);
}

TEST_F(RotationTest, AWallClockThatJumpsRemovesNothingEarly) {
  up_to_issued();
  clock.advance(1h);
  clock.jump(1000h);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
  crash();
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "the next operator must not believe the jump either";
  clock.advance(23h + removal_margin);
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
}

TEST_F(RotationTest, AClockThatWasYearsAheadDelaysNothingForYears) {
  up_to_issued();
  crash();
  clock.jump(-87600h);
  settle();
  clock.advance(24h + removal_margin);
  crash();
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
  prove("k1", false);
  settle();
  clock.advance(2160h);
  settle();
  EXPECT_EQ(keys(), "k2 Issuing, k3 Staged") << "and the next rotation comes in its time";
}

TEST_F(RotationTest, ARevokedKeyGoesAsSoonAsRelaysHaveAnother) {
  up_to_issued();
  in.revoke = "leak";
  auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing, k3 Staged") << "no client could get in without k2";
  EXPECT_EQ(rotation.request, "leak");
  crash();
  prove("k3", true);
  rotation = settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Removed, k3 Issuing");
  prove("k1", false);
  prove("k2", false);
  EXPECT_EQ(settle().phase, "Idle");
  EXPECT_EQ(keys(), "k3 Issuing");
}

TEST_F(RotationTest, WhatWasStagedWhenTheKeyLeakedLeakedToo) {
  in.rotate = "now";
  settle();
  in.revoke = "leak";
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Removed, k3 Staged");
}

TEST_F(RotationTest, OneStuckRelayDoesNotKeepALeakedKeyAlive) {
  in.revoke = "leak";
  settle();
  in.relays[0].accepts["k2"] = true;
  clock.advance(proof_patience - 1s);
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  clock.advance(1s);
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
}

TEST_F(RotationTest, ARevocationThatReachesNoRelayWouldLockEverybodyOut) {
  in.revoke = "leak";
  settle();
  clock.advance(1h);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(rotation.reason, "RelayNotProven");
}

TEST_F(RotationTest, ARequestThatIsOnANewClusterIsFulfilledByIt) {
  const auto first = first_keys(Secret("s"), 24h, "monday", "", clock.system());
  in.keys = first.keys;
  in.record = first.record;
  in.rotate = "monday";
  EXPECT_FALSE(pass().changed);
  EXPECT_EQ(pass().request, "monday");
}

TEST_F(RotationTest, ASuppliedSecretIsFollowedByTheSameProvenSteps) {
  supply("theirs");
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Staged");
  EXPECT_EQ(in.keys[1].secret, Secret("theirs"));
  prove("k2", true);
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing");
  clock.advance(87600h);
  prove("k1", false);
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k2 Issuing") << "only they can make another one";
  EXPECT_EQ(rotation.next_rotation, std::nullopt);
  in.rotate = "now";
  settle();
  EXPECT_EQ(keys(), "k2 Issuing");
}

TEST_F(RotationTest, ASuppliedSecretThatGoesBackCutsNobody) {
  supply("theirs");
  settle();
  prove("k2", true);
  settle();
  supply("secret-1");
  settle();
  EXPECT_EQ(keys(), "k1 Staged, k2 Issuing") << "relays still accept k1";
  prove("k1", true);
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Retiring");
}

TEST_F(RotationTest, AKeyThatHasIssuedIsNotRemovedWhenItsReturnIsCalledOff) {
  supply("theirs");
  settle();
  prove("k2", true);
  settle();
  supply("secret-1");
  settle();
  ASSERT_EQ(keys(), "k1 Staged, k2 Issuing");
  supply("theirs");
  settle();
  EXPECT_EQ(keys(), "k1 Retiring, k2 Issuing") << "k1's credentials are still out";
}

TEST_F(RotationTest, ASuppliedSecretThatChangesAgainBeforeItWasIssued) {
  supply("first");
  settle();
  supply("second");
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Removed, k3 Staged");
  supply("secret-1");
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k2 Removed, k3 Removed");
  prove("k2", false);
  prove("k3", false);
  settle();
  supply("third");
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k4 Staged") << "a proof of an older k2 must not count for it";
}

TEST_F(RotationTest, ASuppliedSecretThatComesBackAfterItsRemovalIsProvenAnew) {
  supply("first");
  settle();
  in.relays[0].accepts["k2"] = true;
  supply("second");
  settle();
  prove("k2", true);  // before relays forget it
  supply("first");
  settle();
  EXPECT_EQ(keys(), "k1 Issuing, k3 Removed, k4 Staged") << "relays may have forgotten the secret";
  EXPECT_EQ(in.keys.back().secret, Secret("first"));
}

TEST_F(RotationTest, ASuppliedSecretThatIsMissingStopsNothingAndIsAnAlert) {
  supply("secret-1");
  settle();
  in.supplied->value = Secret();
  in.supplied->trouble = "it is not there";
  const auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing");
  EXPECT_FALSE(rotation.current);
  EXPECT_EQ(rotation.reason, "SecretUnusable");
  EXPECT_NE(rotation.message.find("Secret turn, entry value: it is not there"), std::string::npos) << rotation.message;
}

TEST_F(RotationTest, ARevokedSuppliedSecretGoesWhenItsOwnerHasWrittenAnother) {
  supply("secret-1");
  in.revoke = "leak";
  auto rotation = settle();
  EXPECT_EQ(keys(), "k1 Issuing");
  EXPECT_EQ(rotation.reason, "WaitingForSecret");
  supply("new");
  settle();
  prove("k2", true);
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
}

TEST_F(RotationTest, ASuppliedSecretThatWasChangedBeforeTheRevocation) {
  supply("new");
  settle();
  prove("k2", true);
  settle();
  ASSERT_EQ(keys(), "k1 Retiring, k2 Issuing");
  in.revoke = "leak";
  settle();
  EXPECT_EQ(keys(), "k1 Removed, k2 Issuing");
}

TEST_F(RotationTest, NothingSecretIsInWhatPeopleRead) {
  in.revoke = "leak";
  const auto rotation = settle();
  EXPECT_EQ((rotation.message + render_rotation_record(rotation.record)).find("secret-"), std::string::npos);
}

}  // namespace
}  // namespace turnkeeper::op
