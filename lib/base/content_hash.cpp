#include "turnkeeper/base/content_hash.hpp"

#include <openssl/evp.h>

#include <array>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper {

std::string content_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex_encode({reinterpret_cast<const char*>(digest.data()), 16});
}

}  // namespace turnkeeper
