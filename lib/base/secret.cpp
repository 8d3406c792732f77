#include "turnkeeper/base/secret.hpp"

#include <openssl/crypto.h>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/base/read_file.hpp"

namespace turnkeeper {

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    value_ = other.value_;
  }
  return *this;
}

// A moved-from short string keeps its bytes in place, so both moves wipe what they leave behind.
Secret::Secret(Secret&& other) noexcept : value_(other.value_) {
  other.wipe();
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = other.value_;
    other.wipe();
  }
  return *this;
}

Secret::~Secret() {
  wipe();
}

void Secret::wipe() {
  OPENSSL_cleanse(value_.data(), value_.size());
  value_.clear();
}

Secret Secret::random(std::size_t bytes) {
  return Secret(hex_encode(random_bytes(bytes)));
}

Result<Secret> Secret::from_file(const std::string& path) {
  auto read = read_file(path);
  if (!read) return fail(read.error());
  std::string& text = *read;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  Secret secret(text);
  OPENSSL_cleanse(text.data(), text.size());
  return secret;
}

bool Secret::operator==(const Secret& other) const {
  return value_.size() == other.value_.size() && CRYPTO_memcmp(value_.data(), other.value_.data(), value_.size()) == 0;
}

}  // namespace turnkeeper
