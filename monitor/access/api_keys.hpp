// The API keys that are let in, known by their SHA-256 alone. Pure.
//
//   # NAME sha256:HEX [user=USER] [expires=RFC3339]
//   shop sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//   kiosk-7 sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752 user=kiosk-7
//   expires=2027-01-31T00:00:00Z
//
// Two lines may bear one name: while a key is being replaced, both are good. `turnctl api-key NAME` makes a key and its
// line. A plain SHA-256 is enough since keys are random: nobody can try 2^256 of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

using KeyDigest = std::array<std::uint8_t, 32>;

struct ApiKey {
  std::string name;
  std::optional<std::string> user;    // credentials for this user alone
  std::optional<SystemTime> expires;  // not good from then on
  bool operator==(const ApiKey&) const = default;
};

class ApiKeys {
 public:
  // The text of a file. An error names the line.
  [[nodiscard]] static Result<ApiKeys> parse(std::string_view text);

  // A key as it is, such as that of --api-key-file.
  void add(ApiKey key, const Secret& secret);
  // Found by what its digest is, so that no comparison's time tells anything about a key. Expired ones are found too.
  [[nodiscard]] const ApiKey* find(const KeyDigest& digest) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  bool operator==(const ApiKeys&) const = default;

 private:
  struct Hash {
    std::size_t operator()(const KeyDigest& digest) const;
  };
  std::unordered_map<KeyDigest, ApiKey, Hash> keys_;
};

[[nodiscard]] KeyDigest key_digest(const Secret& key);
// "shop sha256:9f86...": the line that parse() reads.
[[nodiscard]] std::string key_line(const ApiKey& key, const Secret& secret);
// 1 to 63 letters, digits, '.', '-' and '_'.
[[nodiscard]] bool is_key_name(std::string_view text);

}  // namespace turnkeeper::monitor
