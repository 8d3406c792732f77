#include "operator/plan/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Serial number 0a1b2c3d.
constexpr const char* pem = R"(-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIEChssPTAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBB0dXJu
LmV4YW1wbGUub3JnMB4XDTI2MTEyMjE2MDUxNloXDTM2MTExOTE2MDUxNlowGzEZ
MBcGA1UEAwwQdHVybi5leGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABNqs11duu6OP4PHSdYAUR09JS2Lcf5IcL8rWaVC1oxeF5bNGS8n+5jfRjnqn
LjGic6xrqVHBdIkMK1IPOHmhbeGjUzBRMB0GA1UdDgQWBBQ3K5rKh/5eEkh3U5iv
6UFbD7xx3zAfBgNVHSMEGDAWgBQ3K5rKh/5eEkh3U5iv6UFbD7xx3zAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDT4P+p+yJ/H+21bCOa/8T3lui3
ZWhLzopGet/P8CLjCQIgRvNlOUgS41ArsfSGhvSCrjPmzPM3gp5C1pnMMJo91Hk=
-----END CERTIFICATE-----
)";

constexpr const char* key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKComJshgdwqIB9el
Pt0D3IsQMlDoV+T1mhf6DtIVIgqhRANCAATarNdXbrujj+Dx0nWAFEdPSUti3H+S
HC/K1mlQtaMXheWzRkvJ/uY30Y56py4xonOsa6lRwXSJDCtSDzh5oW3h
-----END PRIVATE KEY-----
)";

constexpr const char* other_key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6awWDgj6xlJs2FiG
IlYv9azPkMXr5QlpNUdST2200vKhRANCAAR/rigb7GGHYTfiI20x03sfxBVkeEa7
ITKDv/ZAUrXbFyKF3OGIO+Z5HLJrzgiW3KBEjED+hWe7p58mOb0j8zIt
-----END PRIVATE KEY-----
)";

struct World {
  api::TurnCluster cluster = two_regions();
  nlohmann::json secret = {{"data", {{"tls.crt", base64_encode(pem)}, {"tls.key", base64_encode(key)}}}};
  ClusterHealth health;
  SystemTime end = first_certificate(pem)->not_after;
  SystemTime now = end - 1000h;

  World() {
    for (auto& region : cluster.spec.regions) region.relay.transports.push_back(api::Transport::tls);
    for (const char* relay : {"eu-0", "eu-1", "us-0"}) health.facts[relay].certificate = {"0a1b2c3d", end};
  }
  [[nodiscard]] api::Condition judged() const {
    return certificate_valid(cluster, "turn-tls", secret, health, now).condition;
  }
};

TEST(Certificate, IsReadAsRelaysShowIt) {
  EXPECT_EQ(first_certificate(pem)->serial, "0a1b2c3d");
  EXPECT_FALSE(first_certificate("no certificate").has_value());
}

TEST(Certificate, IsValidWhenEveryRelayShowsIt) {
  const World world;
  EXPECT_EQ(world.judged().status, api::ConditionStatus::yes);
  EXPECT_EQ(world.judged().reason, "ShownByAllRelays");
  EXPECT_EQ(certificate_valid(world.cluster, "turn-tls", world.secret, world.health, world.now).look_again,
            world.end - certificate_warning);
}

TEST(Certificate, ARenewedOneIsWaitedForRelayByRelay) {
  World world;
  world.health.facts["eu-1"].certificate->serial = "01";
  world.health.facts.erase("us-0");
  EXPECT_EQ(world.judged().status, api::ConditionStatus::yes) << "the old one still works";
  EXPECT_EQ(world.judged().reason, "NotSeenYet");
  EXPECT_THAT(world.judged().message, HasSubstr("not seen yet on eu-1, us-0"));
  world.health.facts["eu-1"].certificate->not_after = world.now;
  EXPECT_EQ(world.judged().reason, "ExpiredOnRelays");
  EXPECT_EQ(world.judged().status, api::ConditionStatus::no);
}

TEST(Certificate, IsNotWaitedForOnARelayThatWasGivenUp) {
  World world;
  world.cluster.spec.regions[0].relay.first_ordinal = 1;
  world.cluster.spec.regions[0].relay.replicas = 1;
  world.health.facts.erase("eu-0");
  EXPECT_EQ(world.judged().reason, "ShownByAllRelays");
  world.health.facts.erase("eu-1");
  EXPECT_THAT(world.judged().message, HasSubstr("not seen yet on eu-1"));
}

TEST(Certificate, WithTheWrongKeyIsToldAndNotWaitedFor) {
  World world;
  world.secret["data"]["tls.key"] = base64_encode("rubbish");
  EXPECT_EQ(world.judged().reason, "CertificateUnreadable");
  EXPECT_EQ(world.judged().status, api::ConditionStatus::no);
  EXPECT_THAT(world.judged().message, HasSubstr("tls.key holds no private key"));
  world.secret["data"]["tls.key"] = base64_encode(other_key);
  EXPECT_EQ(world.judged().reason, "CertificateUnreadable");
  EXPECT_THAT(world.judged().message, HasSubstr("tls.key is not the key of the certificate"));
}

TEST(Certificate, SaysInTimeThatItEnds) {
  World world;
  world.now = world.end - 13 * 24h;
  EXPECT_EQ(world.judged().reason, "ExpiresSoon");
  world.now = world.end;
  EXPECT_EQ(world.judged().reason, "Expired");
  EXPECT_EQ(world.judged().status, api::ConditionStatus::no);
}

TEST(Certificate, SaysWhatIsWrongWithTheSecret) {
  World world;
  world.secret["data"]["tls.crt"] = base64_encode("rubbish");
  EXPECT_EQ(world.judged().reason, "CertificateUnreadable");
  world.secret = nullptr;
  EXPECT_EQ(world.judged().reason, "CertificateMissing");
  EXPECT_THAT(world.judged().message, HasSubstr("Secret turn-tls is not there"));
}

}  // namespace
}  // namespace turnkeeper::op
