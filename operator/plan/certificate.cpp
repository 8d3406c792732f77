#include "operator/plan/certificate.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "operator/resources/names.hpp"
#include "operator/resources/ordinals.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::op {
namespace {

using api::ConditionStatus;

std::string serial_of(X509* certificate) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return hex_encode(bytes);
}

bool offers_tls(const api::Region& region) {
  return std::ranges::any_of(region.relay.transports, [](api::Transport transport) {
    return transport == api::Transport::tls || transport == api::Transport::dtls;
  });
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

api::Condition condition(ConditionStatus status, const char* reason, std::string message) {
  return {.type = "CertificateValid", .status = status, .reason = reason, .message = std::move(message)};
}

}  // namespace

Result<CertificateSeen> first_certificate(const std::string& pem) {
  const Owned<BIO, BIO_free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<X509, X509_free> certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return fail("it holds no certificate in PEM form", "put the relays' certificate and its chain into tls.crt");
  }
  return CertificateSeen{.serial = serial_of(certificate.get()),
                         .not_after = std::chrono::system_clock::from_time_t(timegm(&end))};
}

CertificateJudgement certificate_valid(const api::TurnCluster& cluster, const std::string& secret_name,
                                       const nlohmann::json& secret, const ClusterHealth& health, SystemTime now) {
  const std::string where = "Secret " + secret_name;
  const nlohmann::json::json_pointer at("/data/tls.crt");
  if (!secret.is_object()) {
    return {condition(ConditionStatus::no, "CertificateMissing",
                      where + " is not there; until it is, relays offer no TLS and no DTLS")};
  }
  const auto pem = base64_decode(secret.contains(at) && secret.at(at).is_string() ? secret.at(at).get<std::string>()
                                                                                  : std::string());
  const auto expected = first_certificate(pem.value_or(""));
  if (!expected) {
    return {condition(ConditionStatus::no, "CertificateUnreadable", where + ": " + expected.error().text())};
  }
  if (expected->not_after <= now) {
    return {condition(ConditionStatus::no, "Expired",
                      where + ": the certificate expired at " + rfc3339(expected->not_after) + "; renew it")};
  }
  std::vector<std::string> expired;
  std::vector<std::string> waiting;
  for (const auto& region : cluster.spec.regions) {
    if (!offers_tls(region)) continue;
    for (const int ordinal : ordinals_of(region)) {
      const auto name = relay_name(region.name, ordinal);
      const auto facts = health.facts.find(name);
      const auto* seen =
          facts == health.facts.end() || !facts->second.certificate ? nullptr : &*facts->second.certificate;
      if (seen == nullptr || seen->serial != expected->serial) waiting.push_back(name);
      if (seen != nullptr && seen->not_after <= now) expired.push_back(name);
    }
  }
  const bool soon = expected->not_after - now < certificate_warning;
  const std::string until = "valid until " + rfc3339(expected->not_after);
  CertificateJudgement judgement;
  judgement.look_again = soon ? expected->not_after : expected->not_after - certificate_warning;
  if (!expired.empty()) {
    judgement.condition = condition(
        ConditionStatus::no, "ExpiredOnRelays",
        "an expired certificate is still shown by " + join(expired) + "; the one in " + where + " is " + until);
  } else if (!waiting.empty()) {
    judgement.condition = condition(ConditionStatus::yes, "NotSeenYet", until + "; not seen yet on " + join(waiting));
  } else if (soon) {
    judgement.condition = condition(ConditionStatus::yes, "ExpiresSoon", until + ": renew it");
  } else {
    judgement.condition = condition(ConditionStatus::yes, "ShownByAllRelays", until + ", and shown by every relay");
  }
  return judgement;
}

}  // namespace turnkeeper::op
