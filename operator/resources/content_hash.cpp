#include "operator/resources/content_hash.hpp"

#include <openssl/evp.h>

#include <array>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {

std::string content_hash(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return hex_encode({reinterpret_cast<const char*>(digest.data()), 16});
}

}  // namespace turnkeeper::op
