// What a server asks of authenticated requests, as it says in a 401 or 438 (RFC 8489 section 9.2): its realm and nonce,
// and, when the nonce starts with the cookie of that RFC, whether it wants the user name hidden and which digests it
// takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/integrity.hpp"
#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn {

struct Challenge {
  std::string realm;
  std::string nonce;
  // USERHASH in place of USERNAME.
  bool anonymous = false;
  // PASSWORD-ALGORITHMS as received, which every request repeats so that the server sees what reached the client.
  // Empty: none offered, so MD5 and MESSAGE-INTEGRITY as in RFC 5389.
  std::vector<std::uint8_t> algorithms;
  // The first of them that this client knows.
  PasswordAlgorithm algorithm = PasswordAlgorithm::md5;

  // What requests are signed with: SHA-256 alone once the server offered algorithms, whichever was chosen.
  [[nodiscard]] IntegrityAlgorithm integrity() const {
    return algorithms.empty() ? IntegrityAlgorithm::sha1 : IntegrityAlgorithm::sha256;
  }
  bool operator==(const Challenge&) const = default;
};

// Errors: REALM or NONCE missing, empty or longer than RFC 8489 allows; no algorithm that this client knows; or a nonce
// that promises PASSWORD-ALGORITHMS in an answer without them, which is what an attacker leaves behind who wants a
// weaker digest (the bid-down attack of section 16.1.4): such a challenge must not be answered.
[[nodiscard]] Result<Challenge> read_challenge(const Message& message);

}  // namespace turnkeeper::turn
