#include "turnkeeper/turn/credentials.hpp"

#include <openssl/evp.h>

#include <array>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::turn {
namespace {

Secret password_of(const IntegrityKey& key, std::string_view username) {
  const auto digest = key.digest({}, {reinterpret_cast<const std::uint8_t*>(username.data()), username.size()});
  return Secret(base64_encode({reinterpret_cast<const char*>(digest.data()), key.size()}));
}

}  // namespace

Secret time_limited_password(const Secret& secret, std::string_view username) {
  return password_of(IntegrityKey(secret.reveal(), IntegrityAlgorithm::sha1), username);
}

Credential time_limited_credential(const Secret& secret, std::string_view user, SystemTime expires) {
  return time_limited_credential(IntegrityKey(secret.reveal(), IntegrityAlgorithm::sha1), user, expires);
}

Credential time_limited_credential(const IntegrityKey& key, std::string_view user, SystemTime expires) {
  Credential credential;
  const auto whole_seconds = unix_seconds(expires);
  credential.username = std::to_string(whole_seconds);
  if (!user.empty()) credential.username.append(":").append(user);
  credential.password = password_of(key, credential.username);
  credential.expires = SystemTime(std::chrono::seconds(whole_seconds));
  return credential;
}

Secret long_term_key(std::string_view username, std::string_view realm, const Secret& password,
                     PasswordAlgorithm algorithm) {
  // Fetched once; a look-up among the providers at each use takes as long as the digest.
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::string text;
  text.append(username).append(":").append(realm).append(":").append(password.reveal());
  const Secret input(std::move(text));  // wiped when it goes
  const bool is_md5 = algorithm == PasswordAlgorithm::md5;
  std::string key(is_md5 ? 16 : 32, '\0');
  unsigned size = 0;
  EVP_Digest(input.reveal().data(), input.reveal().size(), reinterpret_cast<unsigned char*>(key.data()), &size,
             is_md5 ? md5 : sha256, nullptr);
  return Secret(std::move(key));
}

std::array<std::uint8_t, 32> user_hash(std::string_view username, std::string_view realm) {
  std::string text;
  text.append(username).append(":").append(realm);
  std::array<std::uint8_t, 32> hash{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return hash;
}

}  // namespace turnkeeper::turn
