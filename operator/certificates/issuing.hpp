// When the internal certificates (of the operator's gRPC server, of the monitors) and their authority are issued anew.
// Pure.
//
// An authority lasts ten years, a certificate 90 days; each is followed by another after two thirds of its life. While
// two authorities are valid all processes trust both, and the new one signs only once its being trusted has got about.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::op {

inline constexpr std::chrono::hours authority_lifetime{10 * 365 * 24};
inline constexpr std::chrono::hours certificate_lifetime{90 * 24};
// Certificates are valid from so long before they are made: the clocks of other machines may be slow.
inline constexpr std::chrono::hours clock_allowance{1};
// Until each pod's files have been brought up to date, with plenty to spare.
inline constexpr std::chrono::hours trust_spreads_in{1};

struct Validity {
  SystemTime not_before;
  SystemTime not_after;
  bool operator==(const Validity&) const = default;
};

[[nodiscard]] Validity validity_from(SystemTime now, std::chrono::hours lifetime);
// Two thirds of its life are over.
[[nodiscard]] bool is_due(const Validity& validity, SystemTime now);

// Of the authorities, newest first: does there have to be another?
[[nodiscard]] bool needs_authority(const std::vector<Validity>& authorities, SystemTime now);
// Which of them signs now. There must be one at least.
[[nodiscard]] std::size_t signing_authority(const std::vector<Validity>& authorities, SystemTime now);
// Those that have not expired.
[[nodiscard]] std::vector<std::size_t> still_trusted(const std::vector<Validity>& authorities, SystemTime now);

// What is known of a certificate that is there.
struct HeldCertificate {
  Validity validity;
  std::vector<std::string> names;  // DNS names, IP addresses and URIs
  bool key_fits = false;           // the private key beside it is its own
  bool signed_by_trusted = false;  // by one of the authorities that are trusted now
  bool trust_is_current = false;   // the authorities beside it are those that are trusted now
};

enum class Due { nothing, authorities, certificate };
// `authorities`: the certificate stays, what lies beside it is brought up to date.
[[nodiscard]] Due what_is_due(const std::optional<HeldCertificate>& held, const std::vector<std::string>& names,
                              SystemTime now);

}  // namespace turnkeeper::op
