#include "operator/certificates/certificate_secret.hpp"

#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

SecretData data_of(const Identity& identity, const std::string& trusted) {
  return {{"tls.crt", base64_encode(identity.certificate)},
          {"tls.key", base64_encode(identity.key.reveal())},
          {"ca.crt", base64_encode(trusted)}};
}

std::optional<HeldCertificate> examine(const Identity& identity, const json& held, const Authorities& authorities,
                                       SystemTime now) {
  const auto facts = read_certificate(identity.certificate);
  if (!facts) return std::nullopt;
  HeldCertificate found{.validity = facts->validity,
                        .names = facts->names,
                        .key_fits = key_fits(identity),
                        .trust_is_current = secret_entry(held, "ca.crt") == authorities.trusted(now)};
  for (const auto& authority : authorities.identities)
    found.signed_by_trusted |= is_signed_by(identity.certificate, authority.certificate);
  return found;
}

}  // namespace

std::string secret_entry(const json& secret, const std::string& name) {
  const auto at = json::json_pointer("/data") / name;
  if (!secret.is_object() || !secret.contains(at) || !secret.at(at).is_string()) return {};
  return base64_decode(secret.at(at).get<std::string>()).value_or("");
}

std::vector<Validity> Authorities::validities() const {
  std::vector<Validity> out;
  for (const auto& identity : identities) out.push_back(read_certificate(identity.certificate)->validity);
  return out;
}

std::string Authorities::trusted(SystemTime now) const {
  std::string all;
  for (const auto index : still_trusted(validities(), now)) all += identities[index].certificate;
  return all;
}

Result<Authorities> read_authorities(const json& secret) {
  Authorities authorities;
  authorities.identities.push_back({secret_entry(secret, "tls.crt"), Secret(secret_entry(secret, "tls.key"))});
  if (!key_fits(authorities.identities.front())) {
    return fail("it holds no authority that can be read",
                "restore it from a backup, or delete it: then all certificates are issued anew");
  }
  if (Identity previous{secret_entry(secret, "previous.crt"), Secret(secret_entry(secret, "previous.key"))};
      key_fits(previous))
    authorities.identities.push_back(std::move(previous));
  return authorities;
}

SecretData authorities_data(const Authorities& authorities, SystemTime now) {
  const auto& identities = authorities.identities;
  auto data = data_of(identities[0], authorities.trusted(now));
  if (identities.size() > 1) {
    data["previous.crt"] = base64_encode(identities[1].certificate);
    data["previous.key"] = base64_encode(identities[1].key.reveal());
  }
  return data;
}

Result<std::optional<SecretData>> renewed_certificate(const json& held, const std::vector<std::string>& names,
                                                      const Authorities& authorities, SystemTime now) {
  Identity identity{secret_entry(held, "tls.crt"), Secret(secret_entry(held, "tls.key"))};
  const Due due = what_is_due(examine(identity, held, authorities, now), names, now);
  if (due == Due::nothing) return std::optional<SecretData>();
  if (due == Due::certificate) {
    const auto signer = signing_authority(authorities.validities(), now);
    auto issued = sign(authorities.identities[signer], names, validity_from(now, certificate_lifetime));
    if (!issued) return fail(issued.error());
    identity = std::move(*issued);
  }
  return std::optional(data_of(identity, authorities.trusted(now)));
}

json vantage_certificate(const json& authority, const std::string& vantage, const json& held, SystemTime now) {
  const auto authorities = read_authorities(authority);
  if (!authorities) return nullptr;
  const auto renewed = renewed_certificate(held, {monitor_name, api::vantage_uri(vantage)}, *authorities, now);
  if (!renewed) return nullptr;
  return *renewed ? json(**renewed) : held.at("data");
}

}  // namespace turnkeeper::op
