#include "turnkeeper/coturn/turndb.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace turnkeeper::coturn {
namespace {

using Row = std::pair<std::string, std::string>;  // realm, secret; realm, option

// As coturn's own schema.sql, all of whose tables it expects.
constexpr const char* schema = R"(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS turnusers_lt (realm varchar(127) default '', name varchar(512), hmackey char(128), PRIMARY KEY (realm,name));
CREATE TABLE IF NOT EXISTS turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm,value));
CREATE TABLE IF NOT EXISTS allowed_peer_ip (realm varchar(127) default '', ip_range varchar(256), primary key (realm,ip_range));
CREATE TABLE IF NOT EXISTS denied_peer_ip (realm varchar(127) default '', ip_range varchar(256), primary key (realm,ip_range));
CREATE TABLE IF NOT EXISTS turn_origin_to_realm (origin varchar(127), realm varchar(127), primary key (origin));
CREATE TABLE IF NOT EXISTS turn_realm_option (realm varchar(127) default '', opt varchar(32), value varchar(128), primary key (realm,opt));
CREATE TABLE IF NOT EXISTS oauth_key (kid varchar(128), ikm_key varchar(256), timestamp bigint default 0, lifetime integer default 0, as_rs_alg varchar(64) default '', realm varchar(127), primary key (kid));
CREATE TABLE IF NOT EXISTS admin_user (name varchar(32), realm varchar(127), password varchar(127), primary key (name));
COMMIT;
)";

tl::unexpected<Error> db_error(sqlite3* db, const char* what) {
  return fail(std::string("turndb: ") + what + ": " + sqlite3_errmsg(db),
              "check that the state directory is writable and not full");
}

Result<> execute(sqlite3* db, const char* sql, const char* what) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return db_error(db, what);
  return {};
}

class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  int step() { return sqlite3_step(statement_); }
  // The first step with these two values.
  int query(const Row& row) {
    sqlite3_reset(statement_);
    bind(1, row.first);
    bind(2, row.second);
    return step();
  }
  // Runs it with these two values; true when it worked.
  bool run(const Row& row) { return query(row) == SQLITE_DONE; }
  std::string column(int index) {
    const void* bytes = sqlite3_column_blob(statement_, index);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }

 private:
  void bind(int index, const std::string& value) {
    sqlite3_bind_text(statement_, index, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  }
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

void TurnDb::Close::operator()(sqlite3* db) const {
  sqlite3_close(db);
}

Result<TurnDb> TurnDb::open(const std::string& path) {
  // sqlite would make it with the umask's mode, and the secrets are in it.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail("turndb: cannot open " + path + ": " + std::strerror(errno),
                "the state directory must exist and be writable");
  }
  ::close(fd);
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  TurnDb db(raw);
  if (opened != SQLITE_OK) return db_error(raw, "open");
  sqlite3_busy_timeout(raw, 5000);
  if (auto done = execute(raw, "PRAGMA journal_mode=WAL", "switch to write-ahead logging"); !done) {
    return fail(done.error());
  }
  if (auto done = execute(raw, schema, "make the tables"); !done) return fail(done.error());
  return db;
}

Result<bool> TurnDb::sync_secrets(const std::string& realm, const std::vector<Secret>& secrets) {
  std::vector<Row> wanted;
  for (const Secret& secret : secrets) {
    if (secret.empty() || secret.reveal().size() > 127) return fail("a signing key must have 1 to 127 bytes");
    wanted.emplace_back(realm, secret.reveal());
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());

  std::vector<Row> present;
  {
    Statement select(db_.get(), "SELECT realm, value FROM turn_secret");
    int status = SQLITE_ROW;
    while ((status = select.step()) == SQLITE_ROW) present.emplace_back(select.column(0), select.column(1));
    if (status != SQLITE_DONE) return db_error(db_.get(), "read the signing keys");
  }
  std::sort(present.begin(), present.end());
  if (present == wanted) return false;

  if (auto begun = execute(db_.get(), "BEGIN IMMEDIATE", "begin a change"); !begun) return fail(begun.error());
  const auto give_up = [&](const char* what) {
    const auto error = db_error(db_.get(), what);
    sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    return error;
  };
  const auto missing_in = [](const std::vector<Row>& rows, const Row& row) {
    return !std::binary_search(rows.begin(), rows.end(), row);
  };
  {
    Statement insert(db_.get(), "INSERT INTO turn_secret (realm, value) VALUES (?, ?)");
    for (const Row& row : wanted) {
      if (missing_in(present, row) && !insert.run(row)) return give_up("add a signing key");
    }
    Statement remove(db_.get(), "DELETE FROM turn_secret WHERE realm = ? AND value = ?");
    for (const Row& row : present) {
      if (missing_in(wanted, row) && !remove.run(row)) return give_up("remove a signing key");
    }
  }
  if (auto done = execute(db_.get(), "COMMIT", "commit a change"); !done) return give_up("commit a change");
  return true;
}

Result<bool> TurnDb::limit_sessions(const std::string& realm, std::optional<std::uint64_t> bytes_per_second) {
  const std::string wanted = bytes_per_second ? std::to_string(*bytes_per_second) : "";
  std::string present;
  {
    Statement select(db_.get(), "SELECT value FROM turn_realm_option WHERE realm = ? AND opt = ?");
    const int status = select.query({realm, "max-bps"});
    if (status == SQLITE_ROW)
      present = select.column(0);
    else if (status != SQLITE_DONE)
      return db_error(db_.get(), "read the bandwidth limit");
  }
  if (present == wanted) return false;
  if (bytes_per_second) {
    Statement put(db_.get(), "INSERT OR REPLACE INTO turn_realm_option (realm, opt, value) VALUES (?, 'max-bps', ?)");
    if (!put.run({realm, wanted})) return db_error(db_.get(), "set the bandwidth limit");
  } else {
    Statement remove(db_.get(), "DELETE FROM turn_realm_option WHERE realm = ? AND opt = ?");
    if (!remove.run({realm, "max-bps"})) return db_error(db_.get(), "lift the bandwidth limit");
  }
  return true;
}

}  // namespace turnkeeper::coturn
