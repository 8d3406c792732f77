// The HMAC of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5 and 14.6) under one key. The part
// that depends on the key alone is done once, when the key is made, so that each message costs only its own bytes: a
// sixth of OpenSSL's HMAC() on a message of TURN's size (tests/bench/codec_benchmark.cpp).
//
//   const IntegrityKey key(long_term_key(username, realm, password).reveal(), IntegrityAlgorithm::sha1);
//   if (message.check_integrity(key) == Check::good) ...
//
// Copies share one state, which never changes: a key may be used from any thread. Wiped with its last copy.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace turnkeeper::turn {

enum class IntegrityAlgorithm : std::uint8_t { sha1, sha256 };

class IntegrityKey {
 public:
  // The first size() bytes count.
  using Digest = std::array<std::uint8_t, 32>;

  // No key: only empty() may be asked.
  IntegrityKey() = default;
  IntegrityKey(std::string_view key, IntegrityAlgorithm algorithm);

  [[nodiscard]] bool empty() const { return !state_; }
  [[nodiscard]] IntegrityAlgorithm algorithm() const { return algorithm_; }
  // Bytes of a digest: 20 or 32.
  [[nodiscard]] std::size_t size() const { return algorithm_ == IntegrityAlgorithm::sha1 ? 20 : 32; }
  // Of `head` followed by `rest`: a STUN message is signed under a header that differs from the one that is sent.
  [[nodiscard]] Digest digest(std::span<const std::uint8_t> head, std::span<const std::uint8_t> rest) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
  IntegrityAlgorithm algorithm_ = IntegrityAlgorithm::sha1;
};

}  // namespace turnkeeper::turn
