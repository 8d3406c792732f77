#include "turnkeeper/coturn/turndb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

namespace turnkeeper::coturn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TurnDbTest : public testing::Test {
 protected:
  TurnDbTest() {
    std::string name = testing::TempDir() + "turndb.XXXXXX";
    directory_ = mkdtemp(name.data());
    path_ = directory_ + "/turndb";
  }
  ~TurnDbTest() override { std::filesystem::remove_all(directory_); }

  // As coturn reads it, through a connection of its own.
  std::vector<std::string> query(const std::string& sql) {
    std::vector<std::string> values;
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    const auto add = [](void* out, int, char** columns, char**) {
      static_cast<std::vector<std::string>*>(out)->emplace_back(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), add, &values, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return values;
  }
  std::vector<std::string> secrets(const std::string& realm) {
    return query("SELECT value FROM turn_secret WHERE realm='" + realm + "' ORDER BY value");
  }

  std::string directory_;
  std::string path_;
};

TEST_F(TurnDbTest, HasTheTablesThatCoturnExpects) {
  ASSERT_TRUE(TurnDb::open(path_));
  EXPECT_THAT(query("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"),
              ElementsAre("admin_user", "allowed_peer_ip", "denied_peer_ip", "oauth_key", "turn_origin_to_realm",
                          "turn_realm_option", "turn_secret", "turnusers_lt"));
}

TEST_F(TurnDbTest, LetsReadersNeverWait) {
  const auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  EXPECT_THAT(query("PRAGMA journal_mode"), ElementsAre("wal"));
}

TEST_F(TurnDbTest, KeepsItsSecretsFromOtherUsers) {
  ASSERT_TRUE(TurnDb::open(path_));
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(TurnDbTest, AcceptsExactlyTheSecretsGiven) {
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  EXPECT_EQ(db->sync_secrets("example.org", {Secret("b"), Secret("a")}), true);
  EXPECT_THAT(secrets("example.org"), ElementsAre("a", "b"));
  EXPECT_EQ(db->sync_secrets("example.org", {Secret("b"), Secret("c"), Secret("c")}), true);
  EXPECT_THAT(secrets("example.org"), ElementsAre("b", "c"));
  EXPECT_EQ(db->sync_secrets("example.org", {}), true);
  EXPECT_THAT(secrets("example.org"), IsEmpty());
}

TEST_F(TurnDbTest, WritesNothingWhenNothingChanged) {
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  ASSERT_EQ(db->sync_secrets("example.org", {Secret("a"), Secret("b")}), true);
  const auto before = std::filesystem::last_write_time(path_ + "-wal");
  const auto size = std::filesystem::file_size(path_ + "-wal");
  EXPECT_EQ(db->sync_secrets("example.org", {Secret("b"), Secret("a")}), false);
  EXPECT_EQ(std::filesystem::last_write_time(path_ + "-wal"), before);
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), size);
}

TEST_F(TurnDbTest, LeavesNoSecretOfARealmThatIsNoLongerServed) {
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->sync_secrets("old.example.org", {Secret("a")}));
  ASSERT_TRUE(db->sync_secrets("example.org", {Secret("a")}));
  EXPECT_THAT(secrets("old.example.org"), IsEmpty());
  EXPECT_THAT(secrets("example.org"), ElementsAre("a"));
}

TEST_F(TurnDbTest, KeepsSecretsOverARestart) {
  {
    auto db = TurnDb::open(path_);
    ASSERT_TRUE(db && db->sync_secrets("example.org", {Secret("a")}));
  }
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  EXPECT_EQ(db->sync_secrets("example.org", {Secret("a")}), false);
}

TEST_F(TurnDbTest, RefusesSecretsThatCoturnWouldCut) {
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  EXPECT_FALSE(db->sync_secrets("example.org", {Secret("")}));
  EXPECT_FALSE(db->sync_secrets("example.org", {Secret(std::string(128, 'x'))}));
}

TEST_F(TurnDbTest, LimitsTheSessionsOfARealmAndLiftsTheLimitAgain) {
  auto db = TurnDb::open(path_);
  ASSERT_TRUE(db);
  const auto options = [&] { return query("SELECT realm || ' ' || opt || '=' || value FROM turn_realm_option"); };
  EXPECT_EQ(db->limit_sessions("example.org", std::nullopt), false);
  EXPECT_EQ(db->limit_sessions("example.org", 125'000), true);
  EXPECT_EQ(db->limit_sessions("example.org", 125'000), false);
  EXPECT_THAT(options(), ElementsAre("example.org max-bps=125000"));
  EXPECT_EQ(db->limit_sessions("example.org", 5'000'000'000), true);
  EXPECT_THAT(options(), ElementsAre("example.org max-bps=5000000000"));
  EXPECT_EQ(db->limit_sessions("example.org", std::nullopt), true);
  EXPECT_THAT(options(), IsEmpty());
}

TEST_F(TurnDbTest, SaysWhichPathIsNotWritable) {
  const auto db = TurnDb::open(directory_ + "/missing/turndb");
  ASSERT_FALSE(db);
  EXPECT_THAT(db.error().text(), testing::HasSubstr(directory_ + "/missing/turndb"));
}

}  // namespace
}  // namespace turnkeeper::coturn
