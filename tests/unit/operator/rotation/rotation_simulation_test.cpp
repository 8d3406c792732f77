// Whole rotations in simulated time: relays that start, stop and hear late, monitors that hear late, a wall clock that
// jumps and operators that die at any step. Whatever happens, no relay that serves refuses a credential before its time
// is over, and in the end one key is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "operator/rotation/rotation.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::SigningKey;
using api::SigningKeys;
using Phase = SigningKey::Phase;

constexpr std::chrono::seconds longest_ttl = 2h;
constexpr auto step = 30s;

struct Relay {
  std::string name;
  bool up = true;
  bool stuck = false;  // its volume does not change
  SigningKeys volume;  // what the kubelet shows it
  std::chrono::seconds volume_age = 0s;
  std::map<std::string, bool> proofs;

  [[nodiscard]] bool accepts(const Secret& secret) const {
    return std::ranges::any_of(volume,
                               [&](const auto& key) { return key.secret == secret && key.phase != Phase::removed; });
  }
};

struct Credential {
  Secret secret;
  SteadyTime until;
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    auto first = first_keys(Secret("s1"), ttl_, "", "", clock_.system());
    keys_ = first.keys;
    record_ = first.record;
    monitor_ = published_ = keys_;
    for (int i = 0; i < 3; ++i) relays_.push_back({.name = "eu-" + std::to_string(i), .volume = keys_});
  }

  void live(int steps, bool troubles) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      clock_.advance(step);
      if (troubles) {
        make_trouble();
      } else {
        end_troubles();
      }
      spread();
      issue_and_check();
      if (operator_away_ > 0s) {
        operator_away_ -= step;
      } else {
        operate(troubles);
      }
    }
  }

  void expect_rest() const {
    EXPECT_EQ(keys_.size(), 1U);
    EXPECT_EQ(keys_.front().phase, Phase::issuing);
    EXPECT_FALSE(record_.revoking);
  }
  [[nodiscard]] int rotations() const { return record_.newest_key - 1; }

 private:
  bool chance(int one_in) { return std::uniform_int_distribution(1, one_in)(random_) == 1; }
  std::chrono::seconds upto(std::chrono::seconds most) {
    return std::chrono::seconds(std::uniform_int_distribution<std::int64_t>(1, most.count())(random_));
  }

  void make_trouble() {
    if (chance(60)) rotate_ = std::to_string(++requests_);
    if (chance(200)) ttl_ = chance(2) ? longest_ttl : 10min;
    if (chance(100)) monitor_heard_ = !monitor_heard_;
    if (chance(300)) operator_away_ = chance(3) ? 30 * 24h : upto(3h);
    // Only while an operator runs: what happens to the clock while none does cannot be known.
    if (chance(150) && operator_away_ <= 0s && !sights_.empty()) clock_.jump(chance(2) ? upto(100h) : -upto(100h));
    if (chance(200)) supplied_ = supplied_.empty() ? "theirs" + std::to_string(++requests_) : "";
    for (auto& relay : relays_) {
      if (chance(80)) toggle(relay);
      if (chance(100)) relay.stuck = !relay.stuck;
    }
  }
  void end_troubles() {
    monitor_heard_ = true;
    supplied_.clear();
    operator_away_ = 0s;
    for (auto& relay : relays_) {
      relay.stuck = false;
      if (!relay.up) toggle(relay);
    }
  }
  void toggle(Relay& relay) {
    relay.up = !relay.up;
    relay.proofs.clear();
    if (relay.up) relay.volume = keys_;
  }

  // What the Secret says reaches relays and monitors when they get to it, and monitors try what they hear of.
  void spread() {
    for (auto& relay : relays_) {
      if (relay.up && !relay.stuck && chance(3)) relay.volume = keys_;
      if (!relay.up || !monitor_heard_) continue;
      for (const auto& key : monitor_) {
        if (chance(2)) relay.proofs[key.id] = relay.accepts(key.secret);
      }
    }
    // Without the operator's stream it has the mounted snapshot, which is never older than the margin.
    since_snapshot_ += step;
    if ((monitor_heard_ && chance(2)) || since_snapshot_ >= removal_margin - step) {
      monitor_ = published_;
      monitor_ttl_ = published_ttl_;
      since_snapshot_ = 0s;
    }
  }

  void issue_and_check() {
    const SteadyTime now = clock_.steady();
    while (!credentials_.empty() && credentials_.front().until <= now - longest_ttl) credentials_.pop_front();
    for (const auto& credential : credentials_) {
      if (credential.until <= now) continue;
      for (const auto& relay : relays_) {
        ASSERT_TRUE(!relay.up || relay.accepts(credential.secret))
            << relay.name << " refuses a credential that is good for another "
            << std::chrono::duration_cast<std::chrono::minutes>(credential.until - now).count() << " min";
      }
    }
    credentials_.push_back({issuing_key(monitor_)->secret, now + monitor_ttl_});
  }

  void operate(bool troubles) {
    RotationInput in{.keys = keys_,
                     .record = record_,
                     .ttl = ttl_,
                     .every = 20h,
                     .rotate = rotate_,
                     .monitor_heard = monitor_heard_,
                     .now = clock_.system(),
                     .steady = clock_.steady(),
                     .sights = sights_};
    in.new_secret = [this] { return Secret("s" + std::to_string(++secrets_)); };
    if (!supplied_.empty()) in.supplied = SuppliedSecret{.where = "Secret", .value = Secret(supplied_), .trouble = ""};
    for (const auto& relay : relays_) {
      if (relay.up) in.relays.push_back({.name = relay.name, .accepts = relay.proofs});
    }
    auto rotation = op::rotate(in);
    published_ = keys_;
    published_ttl_ = ttl_;
    // A clock that has just jumped is corrected by the pass that sees it.
    const bool correcting = rotation.changed &&
                            std::ranges::equal(rotation.keys, keys_, {}, &SigningKey::id, &SigningKey::id) &&
                            std::ranges::equal(rotation.keys, keys_, {}, &SigningKey::phase, &SigningKey::phase);
    if (troubles && !correcting && chance(8)) {  // dies before the write, or somebody else wrote first
      sights_.clear();
      return;
    }
    check(rotation);
    keys_ = std::move(rotation.keys);
    record_ = std::move(rotation.record);
    sights_ = std::move(rotation.sights);
    if (troubles && rotation.changed && chance(4)) sights_.clear();  // dies after it
  }

  void check(const Rotation& rotation) {
    EXPECT_EQ(std::ranges::count(rotation.keys, Phase::issuing, &SigningKey::phase), 1);
    EXPECT_LE(std::ranges::count(rotation.keys, Phase::staged, &SigningKey::phase), 1);
    for (const auto& key : rotation.keys) {
      const auto [known, is_new] = ever_.emplace(key.id, key.secret);
      EXPECT_EQ(known->second, key.secret) << key.id << " was another key before";
    }
    // What agents and monitors read it with.
    EXPECT_TRUE(api::parse_signing_keys(api::render_signing_keys(rotation.keys).reveal()));
  }

  std::mt19937 random_;
  ManualClock clock_;
  std::chrono::seconds ttl_ = longest_ttl;
  SigningKeys keys_;  // the Secret, with its annotation
  RotationRecord record_;
  PhaseSights sights_;
  std::vector<Relay> relays_;
  SigningKeys published_;  // by the operator's last pass
  std::chrono::seconds published_ttl_ = longest_ttl;
  SigningKeys monitor_;
  std::chrono::seconds monitor_ttl_ = longest_ttl;
  std::chrono::seconds since_snapshot_ = 0s;
  bool monitor_heard_ = true;
  std::chrono::seconds operator_away_ = 0s;
  std::string rotate_;
  std::string supplied_;
  int requests_ = 0;
  int secrets_ = 1;
  std::deque<Credential> credentials_;
  std::map<std::string, Secret> ever_;
};

class RotationSimulation : public ::testing::TestWithParam<unsigned> {};

TEST_P(RotationSimulation, RefusesNoCredentialBeforeItsTimeAndEndsWithOneKey) {
  World world(GetParam());
  world.live(4000, true);  // a day and a half, and the months that operators are away
  world.live(3000, false);
  if (HasFailure()) return;
  world.expect_rest();
  EXPECT_GE(world.rotations(), 3) << "too little has happened to say anything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RotationSimulation, ::testing::Range(1U, 41U));

}  // namespace
}  // namespace turnkeeper::op
