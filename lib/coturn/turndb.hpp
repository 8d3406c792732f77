// coturn's sqlite database: the signing keys, which coturn reads at every credential check, and the realm's bandwidth
// limit, which it reads every 5 s. So changes take effect soon and restart nothing.
//
//   auto db = TurnDb::open("/var/lib/turnkeeper/turndb");
//   db->sync_secrets("turn.example.org", secrets);
//
// coturn has no busy timeout: while another process holds a lock it answers good credentials with 401, after which
// browsers give up. Hence write-ahead logging, in which readers never wait; one transaction for each change, and none
// when nothing changed; and a connection that stays open as long as the relay runs, because closing the last one locks
// the file. coturn keeps the file open, too: it is never replaced by another. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

struct sqlite3;

namespace turnkeeper::coturn {

class TurnDb {
 public:
  // Makes the file (mode 0600) and coturn's tables when they are missing. The directory must be writable by this
  // process and by coturn: sqlite keeps two more files next to it.
  [[nodiscard]] static Result<TurnDb> open(const std::string& path);

  // Makes `secrets` exactly what `realm` accepts; other realms lose theirs. True when something changed.
  // Secrets must be 1 to 127 bytes: some versions of coturn cut longer ones.
  Result<bool> sync_secrets(const std::string& realm, const std::vector<Secret>& secrets);

  // What each session of `realm` may send, and receive, that begins from 5 s on; in place of the configuration's
  // max-bps. Nothing: the configuration's counts again. Sessions that are there keep theirs. True when something
  // changed.
  Result<bool> limit_sessions(const std::string& realm, std::optional<std::uint64_t> bytes_per_second);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  explicit TurnDb(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace turnkeeper::coturn
