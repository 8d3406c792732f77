#include "monitor/access/api_keys.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::string_view hash_prefix = "sha256:";
constexpr const char* line_form =
    "write NAME sha256:HEX [user=USER] [expires=2027-01-31T00:00:00Z]; `turnctl api-key NAME` makes such a line";

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<KeyDigest> parse_digest(std::string_view text) {
  KeyDigest digest{};
  if (!text.starts_with(hash_prefix)) return std::nullopt;
  text.remove_prefix(hash_prefix.size());
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return digest;
}

bool is_word(std::string_view text, std::size_t longest, std::string_view more) {
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

// The next word; empty at the end of the line.
std::string_view next_word(std::string_view& line) {
  const auto start = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(start);
  const auto end = std::min(line.find_first_of(" \t\r"), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

Result<void> read_attribute(std::string_view word, ApiKey& key) {
  constexpr std::string_view user = "user=";
  constexpr std::string_view expires = "expires=";
  if (word.starts_with(user)) {
    word.remove_prefix(user.size());
    if (!is_word(word, 128, "._-@+=~")) {
      return fail("'" + std::string(word) + "' is no user", "use 1 to 128 letters, digits and . _ - @ + = ~");
    }
    key.user = std::string(word);
    return {};
  }
  if (word.starts_with(expires)) {
    const auto time = parse_rfc3339(word.substr(expires.size()));
    if (!time) return fail(time.error());
    key.expires = *time;
    return {};
  }
  return fail("'" + std::string(word.substr(0, word.find('='))) + "' is no attribute of a key", line_form);
}

}  // namespace

std::size_t ApiKeys::Hash::operator()(const KeyDigest& digest) const {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

Result<ApiKeys> ApiKeys::parse(std::string_view text) {
  ApiKeys keys;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto name = next_word(line);
    if (name.empty() || name.starts_with('#')) continue;
    // A line that is no such line may hold a key as it is: it is not repeated.
    const std::string where = "line " + std::to_string(number);
    if (!is_key_name(name)) return fail(where + " begins with no name", line_form);
    const auto digest = parse_digest(next_word(line));
    if (!digest) return fail(where + " has no sha256: with 64 hexadecimal digits behind its name", line_form);
    ApiKey key{.name = std::string(name), .user = {}, .expires = {}};
    for (auto word = next_word(line); !word.empty() && !word.starts_with('#'); word = next_word(line)) {
      if (auto read = read_attribute(word, key); !read) return fail(read.error().within(where));
    }
    if (!keys.keys_.emplace(*digest, std::move(key)).second) {
      return fail(where + " has the same key as a line before it", "give each its own key");
    }
  }
  return keys;
}

void ApiKeys::add(ApiKey key, const Secret& secret) {
  keys_.insert_or_assign(key_digest(secret), std::move(key));
}

const ApiKey* ApiKeys::find(const KeyDigest& digest) const {
  const auto found = keys_.find(digest);
  return found == keys_.end() ? nullptr : &found->second;
}

KeyDigest key_digest(const Secret& key) {
  // Fetched once: OpenSSL 3 looks the algorithm up each time otherwise, which takes longer than the digest.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  KeyDigest digest{};
  const auto& text = key.reveal();
  if (EVP_DigestInit_ex2(context.get(), sha256, nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    std::abort();  // no memory; an empty digest might be somebody's key
  }
  return digest;
}

std::string key_line(const ApiKey& key, const Secret& secret) {
  const auto digest = key_digest(secret);
  std::string line = key.name + ' ' + std::string(hash_prefix) +
                     hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  if (key.user) line += " user=" + *key.user;
  if (key.expires) line += " expires=" + rfc3339(*key.expires);
  return line;
}

bool is_key_name(std::string_view text) {
  return is_word(text, 63, "._-");
}

}  // namespace turnkeeper::monitor
