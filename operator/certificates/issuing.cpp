#include "operator/certificates/issuing.hpp"

namespace turnkeeper::op {

Validity validity_from(SystemTime now, std::chrono::hours lifetime) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  return {second - clock_allowance, second + lifetime};
}

bool is_due(const Validity& validity, SystemTime now) {
  return now >= validity.not_before + (validity.not_after - validity.not_before) * 2 / 3;
}

bool needs_authority(const std::vector<Validity>& authorities, SystemTime now) {
  return authorities.empty() || is_due(authorities.front(), now);
}

std::size_t signing_authority(const std::vector<Validity>& authorities, SystemTime now) {
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    const bool known_everywhere = now >= authorities[i].not_before + clock_allowance + trust_spreads_in;
    if (known_everywhere && now < authorities[i].not_after) return i;
  }
  return 0;
}

std::vector<std::size_t> still_trusted(const std::vector<Validity>& authorities, SystemTime now) {
  std::vector<std::size_t> trusted;
  for (std::size_t i = 0; i < authorities.size(); ++i) {
    if (now < authorities[i].not_after) trusted.push_back(i);
  }
  return trusted;
}

Due what_is_due(const std::optional<HeldCertificate>& held, const std::vector<std::string>& names, SystemTime now) {
  if (!held || !held->key_fits || !held->signed_by_trusted || held->names != names || is_due(held->validity, now)) {
    return Due::certificate;
  }
  return held->trust_is_current ? Due::nothing : Due::authorities;
}

}  // namespace turnkeeper::op
