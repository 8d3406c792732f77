// The functions of one digest each, which OpenSSL 3 calls deprecated but keeps: their state is a plain value, so that a
// key's can be copied in a moment. Each copy of an EVP_MD_CTX costs more than the digest of a whole message.
#define OPENSSL_API_COMPAT 0x10100000L

#include "turnkeeper/turn/integrity.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <variant>

namespace turnkeeper::turn {
namespace {

constexpr std::size_t block_size = 64;  // of SHA-1 and of SHA-256

// Overloads, so that HMAC is written once.
void start(SHA_CTX& context) {
  SHA1_Init(&context);
}
void start(SHA256_CTX& context) {
  SHA256_Init(&context);
}
void add(SHA_CTX& context, const void* data, std::size_t size) {
  SHA1_Update(&context, data, size);
}
void add(SHA256_CTX& context, const void* data, std::size_t size) {
  SHA256_Update(&context, data, size);
}
void finish(SHA_CTX& context, std::uint8_t* digest) {
  SHA1_Final(digest, &context);
}
void finish(SHA256_CTX& context, std::uint8_t* digest) {
  SHA256_Final(digest, &context);
}

// RFC 2104: the digest's state after the first block of either pass.
template <class Context>
struct Passes {
  Context inner;
  Context outer;
};

}  // namespace

struct IntegrityKey::State {
  std::variant<Passes<SHA_CTX>, Passes<SHA256_CTX>> passes;
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { OPENSSL_cleanse(&passes, sizeof passes); }
};

IntegrityKey::IntegrityKey(std::string_view key, IntegrityAlgorithm algorithm) : algorithm_(algorithm) {
  auto state = std::make_shared<State>();
  if (algorithm == IntegrityAlgorithm::sha256) state->passes.emplace<Passes<SHA256_CTX>>();
  std::visit(
      [&](auto& passes) {
        std::array<std::uint8_t, block_size> block{};
        if (key.size() > block_size) {
          start(passes.inner);
          add(passes.inner, key.data(), key.size());
          finish(passes.inner, block.data());
        } else {
          std::copy(key.begin(), key.end(), block.begin());
        }
        const auto absorb = [&](auto& context, std::uint8_t pad) {
          for (auto& byte : block) byte ^= pad;
          start(context);
          add(context, block.data(), block.size());
          for (auto& byte : block) byte ^= pad;
        };
        absorb(passes.inner, 0x36);
        absorb(passes.outer, 0x5C);
        OPENSSL_cleanse(block.data(), block.size());
      },
      state->passes);
  state_ = std::move(state);
}

IntegrityKey::Digest IntegrityKey::digest(std::span<const std::uint8_t> head,
                                          std::span<const std::uint8_t> rest) const {
  Digest digest{};
  std::visit(
      [&](const auto& passes) {
        auto context = passes.inner;
        add(context, head.data(), head.size());
        add(context, rest.data(), rest.size());
        finish(context, digest.data());
        context = passes.outer;
        add(context, digest.data(), size());
        finish(context, digest.data());
        OPENSSL_cleanse(&context, sizeof context);
      },
      state_->passes);
  return digest;
}

}  // namespace turnkeeper::turn
