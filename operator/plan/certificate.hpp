// The condition CertificateValid: the certificate that relays should show, against what they were seen to show. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/plan/relay_health.hpp"
#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::op {

// From this long before its end on, the message says so.
inline constexpr std::chrono::hours certificate_warning{14 * 24};

// The first certificate of a PEM text, as relays would show it.
[[nodiscard]] Result<CertificateSeen> first_certificate(const std::string& pem);

struct CertificateJudgement {
  api::Condition condition;
  std::optional<SystemTime> look_again;  // when time alone changes it
};

// `secret`: the one with tls.crt as read, null when it is not there. True with a message while a renewed certificate is
// not on every relay yet: the old one still works.
[[nodiscard]] CertificateJudgement certificate_valid(const api::TurnCluster& cluster, const std::string& secret_name,
                                                     const nlohmann::json& secret, const ClusterHealth& health,
                                                     SystemTime now);

}  // namespace turnkeeper::op
