#include "cli/local_keys.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace turnkeeper::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Phase = api::SigningKey::Phase;

// A relay that accepts what it is asked to, or not.
op::RotationRelay relay(std::map<std::string, bool> accepts) {
  return {.name = "eu-0", .accepts = std::move(accepts), .has = {}};
}

class LocalKeysTest : public ::testing::Test {
 protected:
  LocalKeysTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "turnkeeper-keys-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~LocalKeysTest() override { std::filesystem::remove_all(path_); }

  // As `turnctl up` does at its start.
  Result<LocalKeys> open() {
    state_.reset();
    auto state = StateDirectory::open(path_);
    if (!state) return fail(state.error());
    state_.emplace(std::move(*state));
    return LocalKeys::open(*state_, policy_, clock_);
  }
  // Takes all steps that are due.
  static void settle(LocalKeys& keys, const std::map<std::string, bool>& accepts) {
    for (Result<bool> stepped = true; stepped && *stepped;) stepped = keys.step({relay(accepts)});
  }
  static std::vector<std::pair<std::string, Phase>> phases(const LocalKeys& keys) {
    std::vector<std::pair<std::string, Phase>> phases;
    for (const auto& key : keys.keys()) phases.emplace_back(key.id, key.phase);
    return phases;
  }
  static std::pair<std::string, Phase> in(std::string id, Phase phase) { return {std::move(id), phase}; }

  std::string path_;
  api::Credentials policy_{.ttl = 24h, .rotate_every = 90 * 24h, .secret = {}};
  ManualClock clock_;
  std::optional<StateDirectory> state_;
};

TEST_F(LocalKeysTest, OutliveARestart) {
  const auto first = open();
  ASSERT_TRUE(first) << first.error().text();
  ASSERT_THAT(first->keys(), SizeIs(1));
  EXPECT_THAT(first->keys().front().secret.reveal(), SizeIs(64));
  EXPECT_EQ(first->keys().front().created, clock_.system());
  clock_.advance(1h);
  const auto again = open();
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->keys(), first->keys()) << "every client's credentials died with the restart";
  struct stat status {};
  ASSERT_EQ(::stat((path_ + "/keys.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(LocalKeysTest, ThatAreBrokenAreNeverReplacedSilently) {
  for (const std::string broken :
       {"", "[]", "{}", "not json", R"([{"id":"k1","secret":"","phase":"Issuing","created":"2026-08-01T12:00:00Z"}])",
        R"([{"id":"k1","secret":"deadbeef","phase":"Issuing","created":"yesterday"}])"}) {
    std::ofstream(path_ + "/keys.json") << broken;
    const auto keys = open();
    ASSERT_FALSE(keys) << broken;
    EXPECT_THAT(keys.error().message, HasSubstr(path_ + "/keys.json"));
    EXPECT_THAT(keys.error().text(), Not(HasSubstr("deadbeef")));
    std::ifstream file(path_ + "/keys.json");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), broken);
  }
}

TEST_F(LocalKeysTest, AreReplacedAfterNinetyDaysAndTheOldOneAfterItsLastCredential) {
  auto keys = open();
  ASSERT_TRUE(keys) << keys.error().text();
  settle(*keys, {{"k1", true}});
  EXPECT_EQ(keys->rotation().phase, "Idle");
  clock_.advance(90 * 24h);
  settle(*keys, {{"k1", true}});
  EXPECT_THAT(phases(*keys), ElementsAre(in("k1", Phase::issuing), in("k2", Phase::staged)))
      << "a key signs that no relay was seen to accept";
  settle(*keys, {{"k1", true}, {"k2", true}});
  EXPECT_THAT(phases(*keys), ElementsAre(in("k1", Phase::retiring), in("k2", Phase::issuing)));
  clock_.advance(23h);
  settle(*keys, {{"k1", true}, {"k2", true}});
  EXPECT_THAT(phases(*keys), SizeIs(2)) << "a credential was refused before its time";
  clock_.advance(2h);
  settle(*keys, {{"k1", false}, {"k2", true}});
  EXPECT_THAT(phases(*keys), ElementsAre(in("k2", Phase::issuing)));
}

TEST_F(LocalKeysTest, GoOnWhereTheyWereWhenTheProcessDies) {
  {
    auto keys = open();
    ASSERT_TRUE(keys) << keys.error().text();
    keys->ask(LocalKeys::Request::revoke);
    settle(*keys, {{"k1", true}});
  }
  auto keys = open();
  ASSERT_TRUE(keys) << keys.error().text();
  settle(*keys, {{"k1", true}, {"k2", true}});
  EXPECT_THAT(phases(*keys), ElementsAre(in("k1", Phase::removed), in("k2", Phase::issuing)))
      << "a leaked key outlived the restart";
  settle(*keys, {{"k1", false}, {"k2", true}});
  EXPECT_THAT(phases(*keys), ElementsAre(in("k2", Phase::issuing)));
  EXPECT_EQ(keys->rotation().phase, "Idle") << "the same request was followed twice";
}

TEST_F(LocalKeysTest, ThatCannotBeWrittenStayWhatTheyWere) {
  auto keys = open();
  ASSERT_TRUE(keys) << keys.error().text();
  const auto before = keys->keys();
  // Not even root may write a file into one that is none.
  std::filesystem::rename(path_ + "/keys.json", path_ + "/kept");
  std::filesystem::create_directories(path_ + "/keys.json/in-the-way");
  keys->ask(LocalKeys::Request::rotate);
  const auto stepped = keys->step({relay({{"k1", true}})});
  ASSERT_FALSE(stepped);
  EXPECT_THAT(stepped.error().message, HasSubstr("keys.json"));
  EXPECT_EQ(keys->keys(), before) << "relays would be given a key that a restart forgets";
  std::filesystem::remove_all(path_ + "/keys.json");
  settle(*keys, {{"k1", true}});
  EXPECT_THAT(phases(*keys), SizeIs(2)) << "the request was lost";
}

}  // namespace
}  // namespace turnkeeper::cli
