#include "turnkeeper/turn/challenge.hpp"

#include <optional>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {
namespace {

constexpr std::size_t max_text = 763;  // bytes in REALM and NONCE, RFC 8489 sections 14.9 and 14.10
constexpr std::size_t max_algorithms = 256;

// The security features of section 18.1, named from the left.
constexpr std::uint32_t password_algorithms_bit = 1U << 23;
constexpr std::uint32_t username_anonymity_bit = 1U << 22;

// 24 bits in base64 behind the nonce cookie; 0 when the nonce has no cookie.
std::uint32_t security_features(std::string_view nonce) {
  constexpr std::string_view cookie = "obMatJos2";
  constexpr std::size_t encoded = 4;
  if (!nonce.starts_with(cookie) || nonce.size() < cookie.size() + encoded) return 0;
  const auto bytes = base64_decode(nonce.substr(cookie.size(), encoded));
  if (!bytes || bytes->size() != 3) return 0;
  const auto at = [&](int i) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>((*bytes)[i])); };
  return at(0) << 16 | at(1) << 8 | at(2);
}

// The first entry that this client knows: a number, the length of its parameters, the parameters, padding.
std::optional<PasswordAlgorithm> choose(Bytes algorithms) {
  while (algorithms.size() >= 4) {
    const auto number = read_u16(algorithms, 0);
    const std::size_t parameters = read_u16(algorithms, 2);
    const bool known = number == static_cast<std::uint16_t>(PasswordAlgorithm::md5) ||
                       number == static_cast<std::uint16_t>(PasswordAlgorithm::sha256);
    if (known && parameters == 0) return static_cast<PasswordAlgorithm>(number);
    const std::size_t entry = 4 + (parameters + 3) / 4 * 4;
    if (entry > algorithms.size()) break;
    algorithms = algorithms.subspan(entry);
  }
  return std::nullopt;
}

}  // namespace

Result<Challenge> read_challenge(const Message& message) {
  const auto realm = message.text(AttributeType::realm);
  const auto nonce = message.text(AttributeType::nonce);
  const auto usable = [](std::optional<std::string_view> text) {
    return text && !text->empty() && text->size() <= max_text;
  };
  if (!usable(realm) || !usable(nonce)) return fail("the answer has no usable REALM and NONCE");
  const auto features = security_features(*nonce);
  Challenge challenge{.realm = std::string(*realm),
                      .nonce = std::string(*nonce),
                      .anonymous = (features & username_anonymity_bit) != 0};
  if (const auto algorithms = message.find(AttributeType::password_algorithms)) {
    const auto chosen = algorithms->size() <= max_algorithms ? choose(*algorithms) : std::nullopt;
    if (!chosen) return fail("PASSWORD-ALGORITHMS names none that is known here");
    challenge.algorithms.assign(algorithms->begin(), algorithms->end());
    challenge.algorithm = *chosen;
  } else if ((features & password_algorithms_bit) != 0) {
    return fail(
        "the nonce promises PASSWORD-ALGORITHMS, which the answer lacks: somebody on the path may have "
        "removed them");
  }
  return challenge;
}

}  // namespace turnkeeper::turn
