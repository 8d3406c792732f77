// What lies in the Secrets of the internal certificates, and when it is to be replaced. Pure but for the randomness of
// new keys.
//
// Each of them is of type kubernetes.io/tls: tls.crt and tls.key are a certificate and its key, ca.crt are the
// authorities to trust. The authority's own holds the one before as previous.crt and previous.key too.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/certificates/x509.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::op {

// What monitors know each other by: a DNS name in the certificate of each of them.
inline constexpr const char* monitor_name = "turnkeeper-monitor";

// One entry of a Secret's data, decoded; empty when there is none or it is no base64.
[[nodiscard]] std::string secret_entry(const nlohmann::json& secret, const std::string& name);
// A Secret's data: base64 by name.
using SecretData = std::map<std::string, std::string>;

struct Authorities {
  std::vector<Identity> identities;  // newest first; at most two
  [[nodiscard]] std::vector<Validity> validities() const;
  // The certificates of those that are trusted now, one after the other.
  [[nodiscard]] std::string trusted(SystemTime now) const;
};
// An error when the newest cannot be read.
[[nodiscard]] Result<Authorities> read_authorities(const nlohmann::json& secret);
[[nodiscard]] SecretData authorities_data(const Authorities& authorities, SystemTime now);

// What a Secret should hold for a process of these names (as sign() takes them); nothing when `held` (a Secret, or
// null) holds that already.
[[nodiscard]] Result<std::optional<SecretData>> renewed_certificate(const nlohmann::json& held,
                                                                    const std::vector<std::string>& names,
                                                                    const Authorities& authorities, SystemTime now);

// For a vantage ("telephony/calls/us-east") that the operator runs: a Secret's `data` with a certificate of its own,
// which says that it is of that vantage (turnkeeper/api/vantage_identity.hpp): what `held` holds as long as that will
// do. Null when the authority cannot be read.
[[nodiscard]] nlohmann::json vantage_certificate(const nlohmann::json& authority, const std::string& vantage,
                                                 const nlohmann::json& held, SystemTime now);

}  // namespace turnkeeper::op
