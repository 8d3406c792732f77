#include "turnkeeper/turn/credentials.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::turn {

Secret time_limited_password(const Secret& secret, std::string_view username) {
  std::array<unsigned char, 20> digest{};
  unsigned size = digest.size();
  HMAC(EVP_sha1(), secret.reveal().data(), static_cast<int>(secret.reveal().size()),
       reinterpret_cast<const unsigned char*>(username.data()), username.size(), digest.data(), &size);
  return Secret(base64_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), size)));
}

Credential time_limited_credential(const Secret& secret, std::string_view user, SystemTime expires) {
  Credential credential;
  const auto whole_seconds = unix_seconds(expires);
  credential.username = std::to_string(whole_seconds);
  if (!user.empty()) credential.username.append(":").append(user);
  credential.password = time_limited_password(secret, credential.username);
  credential.expires = SystemTime(std::chrono::seconds(whole_seconds));
  return credential;
}

Secret long_term_key(std::string_view username, std::string_view realm, const Secret& password) {
  std::string text;
  text.append(username).append(":").append(realm).append(":").append(password.reveal());
  const Secret input(std::move(text));  // wiped when it goes
  std::string key(16, '\0');
  unsigned size = 16;
  EVP_Digest(input.reveal().data(), input.reveal().size(), reinterpret_cast<unsigned char*>(key.data()), &size,
             EVP_md5(), nullptr);
  return Secret(std::move(key));
}

}  // namespace turnkeeper::turn
