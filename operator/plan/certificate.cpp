#include "operator/plan/certificate.hpp"

#include <openssl/err.h>
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

std::string entry_of(const nlohmann::json& secret, const char* name) {
  const auto at = nlohmann::json::json_pointer("/data") / name;
  if (!secret.contains(at) || !secret.at(at).is_string()) return {};
  return base64_decode(secret.at(at).get<std::string>()).value_or("");
}

Owned<BIO, BIO_free> reading(const std::string& pem) {
  return Owned<BIO, BIO_free>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// As agents check it before they give it to coturn.
Result<> has_key(const std::string& chain, const std::string& key_pem) {
  const auto refuse = [](const char* why, const char* advice) {
    ERR_clear_error();
    return fail(why, advice);
  };
  const Owned<X509, X509_free> certificate(PEM_read_bio_X509(reading(chain).get(), nullptr, nullptr, nullptr));
  char no_password[] = "";
  const Owned<EVP_PKEY, EVP_PKEY_free> key(
      PEM_read_bio_PrivateKey(reading(key_pem).get(), nullptr, nullptr, no_password));
  if (!key) return refuse("tls.key holds no private key in PEM form", "put the key there, without a password");
  if (!certificate || X509_check_private_key(certificate.get(), key.get()) != 1) {
    return refuse("tls.key is not the key of the certificate in tls.crt", "replace both together");
  }
  return {};
}

api::Condition condition(ConditionStatus status, const char* reason, std::string message) {
  return {.type = "CertificateValid", .status = status, .reason = reason, .message = std::move(message)};
}

}  // namespace

Result<CertificateSeen> first_certificate(const std::string& pem) {
  const Owned<X509, X509_free> certificate(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr));
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
  if (!secret.is_object()) {
    return {condition(ConditionStatus::no, "CertificateMissing",
                      where + " is not there; relays that run go on with the certificate that they have, others do not "
                              "start until it is")};
  }
  const auto pem = entry_of(secret, "tls.crt");
  auto expected = first_certificate(pem);
  if (const auto fits = has_key(pem, entry_of(secret, "tls.key")); expected && !fits) expected = fail(fits.error());
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
