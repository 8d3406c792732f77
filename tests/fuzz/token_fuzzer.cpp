// API keys files, JWKS and tokens. The first byte says which; a token is tried as it is, and with its first two
// segments signed by us, so that what stands behind a good signature is reached too.
#include <openssl/hmac.h>

#include <array>
#include <string>

#include "monitor/access/api_keys.hpp"
#include "monitor/access/client_address.hpp"
#include "monitor/access/jwt.hpp"
#include "require.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace {

using namespace turnkeeper;
using namespace turnkeeper::monitor;

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

const std::string secret(32, 's');

const JwkSet& keys() {
  static const auto set =
      JwkSet::parse(R"({"keys":[{"kty":"oct","k":")" + base64url(secret) + R"("},{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
                    JwkSet::Secrets::allowed);
  return *set;
}

void verify(const std::string& token) {
  const JwtRules rules{.audience = "turn", .issuer = "", .required = {}};
  const auto bearer = verify_jwt(token, keys(), rules, SystemTime(std::chrono::seconds(1'800'000'000)));
  if (bearer) fuzz::require(!bearer->user.empty() && bearer->user.size() <= 128, "a user of 1 to 128 characters");
}

std::string sign(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return text + '.' + base64url({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'k': {
      const auto parsed = ApiKeys::parse(text);
      if (!parsed) fuzz::require(!parsed.error().message.empty(), "an error says what is wrong");
      break;
    }
    case 'j':
      (void)JwkSet::parse(text, JwkSet::Secrets::allowed);
      break;
    case 't':
      verify(text);
      break;
    case 's': {
      const auto line = text.find('\n');
      if (line != std::string::npos)
        verify(sign(base64url(text.substr(0, line)) + '.' + base64url(text.substr(line + 1))));
      break;
    }
    case 'a':
      fuzz::require(!client_address("10.0.0.1:1", text, {*parse_range("10.0.0.0/8")}).empty(), "an address is told");
      break;
    default:
      break;
  }
  return 0;
}
