// The certificates of the monitors that the operator runs for single TurnClusters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/certificates/certificate_secret.hpp"
#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;

constexpr auto day = 24h;
const SystemTime noon = parse_rfc3339("2026-08-01T12:00:00Z").value();

json secret_of(const SecretData& data) {
  return {{"data", data}};
}

class VantageCertificate : public testing::Test {
 protected:
  // As the operator does at each look; what it made becomes what is there.
  json look(SystemTime now, const std::string& vantage = "telephony/calls/us-east") {
    held = {{"data", vantage_certificate(authority, vantage, held, now)}};
    return held.at("data");
  }
  [[nodiscard]] CertificateFacts facts() const { return read_certificate(secret_entry(held, "tls.crt")).value(); }
  void expect_sound(SystemTime now) const {
    const auto certificate = secret_entry(held, "tls.crt");
    EXPECT_TRUE(key_fits({certificate, Secret(secret_entry(held, "tls.key"))}));
    EXPECT_EQ(secret_entry(held, "ca.crt"), read_authorities(authority)->trusted(now));
    EXPECT_TRUE(is_signed_by(certificate, secret_entry(authority, "tls.crt")));
    EXPECT_GT(facts().validity.not_after, now);
  }

  Authorities authorities{{make_authority(validity_from(noon, authority_lifetime))}};
  json authority = secret_of(authorities_data(authorities, noon));
  json held;
};

TEST_F(VantageCertificate, SaysWhoseItIsAndIsKeptWhileItWillDo) {
  const auto first = look(noon);
  expect_sound(noon);
  EXPECT_THAT(facts().names, ElementsAre(monitor_name, "turnkeeper:vantage/telephony/calls/us-east"));
  EXPECT_EQ(api::vantage_identity(facts().names)->cluster, "telephony/calls");
  EXPECT_EQ(look(noon + 59 * day), first) << "each look would restart what follows the files";
}

TEST_F(VantageCertificate, IsRenewedInTime) {
  const auto first = look(noon);
  const auto then = noon + 61 * day;
  const auto second = look(then);
  EXPECT_NE(second.at("tls.crt"), first.at("tls.crt"));
  EXPECT_NE(second.at("tls.key"), first.at("tls.key"));
  expect_sound(then);
  EXPECT_GT(facts().validity.not_after, then + 80 * day);
}

TEST_F(VantageCertificate, ThatOfAnotherOrOfAllIsReplaced) {
  (void)look(noon, "telephony/other/us-east");
  (void)look(noon);
  EXPECT_EQ(api::vantage_identity(facts().names)->vantage, "telephony/calls/us-east");
  // The one certificate of all monitors, which a version before this gave to vantages.
  held = secret_of(*renewed_certificate(json(), {monitor_name}, authorities, noon).value());
  (void)look(noon);
  EXPECT_EQ(api::vantage_identity(facts().names)->vantage, "telephony/calls/us-east");
}

TEST_F(VantageCertificate, OneThatSomebodySpoiltOrForgedIsReplaced) {
  (void)look(noon);
  held["data"]["tls.key"] = base64_encode("no key");
  (void)look(noon);
  expect_sound(noon);
  Authorities forger{{make_authority(validity_from(noon, authority_lifetime))}};
  const auto forged = *renewed_certificate(json(), facts().names, forger, noon).value();
  held = secret_of(forged);
  (void)look(noon);
  expect_sound(noon);
  EXPECT_NE(held.at("data").at("tls.crt"), forged.at("tls.crt"));
}

TEST_F(VantageCertificate, TrustsANewAuthorityBeforeThatSigns) {
  const auto first = look(noon);
  const auto then = noon + 30 * day;
  Authorities both{{make_authority(validity_from(then, authority_lifetime)), authorities.identities.front()}};
  authority = secret_of(authorities_data(both, then));
  const auto second = look(then);
  EXPECT_EQ(second.at("tls.crt"), first.at("tls.crt")) << "who has not heard of the new authority would refuse it";
  EXPECT_EQ(secret_entry(held, "ca.crt"), both.trusted(then));
}

TEST_F(VantageCertificate, IsLeftAloneWhileTheAuthorityCannotBeRead) {
  (void)look(noon);
  authority["data"]["tls.key"] = base64_encode("no key");
  EXPECT_TRUE(vantage_certificate(authority, "telephony/calls/us-east", held, noon + 61 * day).is_null());
}

}  // namespace
}  // namespace turnkeeper::op
