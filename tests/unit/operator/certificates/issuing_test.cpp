#include "operator/certificates/issuing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const SystemTime now = parse_rfc3339("2026-08-01T12:00:00Z").value();
const std::vector<std::string> names = {"turnkeeper-monitor"};

HeldCertificate good() {
  return {.validity = validity_from(now, certificate_lifetime),
          .names = names,
          .key_fits = true,
          .signed_by_trusted = true,
          .trust_is_current = true};
}

TEST(Certificate, IsRenewedLongBeforeItRunsOut) {
  EXPECT_EQ(what_is_due(good(), names, now), Due::nothing);
  EXPECT_EQ(what_is_due(good(), names, now + 59 * 24h), Due::nothing);
  EXPECT_EQ(what_is_due(good(), names, now + 61 * 24h), Due::certificate);
  EXPECT_EQ(what_is_due(good(), names, now + 1000 * 24h), Due::certificate) << "the operator was away for years";
}

TEST(Certificate, IsIssuedWhenThereIsNoneThatWouldBeAccepted) {
  EXPECT_EQ(what_is_due(std::nullopt, names, now), Due::certificate);
  auto held = good();
  held.key_fits = false;
  EXPECT_EQ(what_is_due(held, names, now), Due::certificate);
  held = good();
  held.signed_by_trusted = false;
  EXPECT_EQ(what_is_due(held, names, now), Due::certificate);
  EXPECT_EQ(what_is_due(good(), {"another-name"}, now), Due::certificate);
}

TEST(Certificate, StaysWhenOnlyTheAuthoritiesChanged) {
  auto held = good();
  held.trust_is_current = false;
  EXPECT_EQ(what_is_due(held, names, now), Due::authorities);
}

TEST(Certificate, IsValidForMachinesWhoseClocksAreSlow) {
  EXPECT_EQ(validity_from(now, certificate_lifetime).not_before, now - 1h);
  EXPECT_EQ(validity_from(now, certificate_lifetime).not_after, now + 90 * 24h);
}

TEST(Authority, IsFollowedByAnotherYearsBeforeItRunsOut) {
  const auto authority = validity_from(now, authority_lifetime);
  EXPECT_TRUE(needs_authority({}, now));
  EXPECT_FALSE(needs_authority({authority}, now + 6 * 365 * 24h));
  EXPECT_TRUE(needs_authority({authority}, now + 7 * 365 * 24h));
}

// A certificate of an authority that others have not heard of yet would be refused.
TEST(Authority, SignsOnceItIsKnownEverywhere) {
  const auto later = now + 7 * 365 * 24h;
  const std::vector<Validity> both = {validity_from(later, authority_lifetime), validity_from(now, authority_lifetime)};
  EXPECT_EQ(signing_authority(both, later), 1u);
  EXPECT_EQ(signing_authority(both, later + 59min), 1u);
  EXPECT_EQ(signing_authority(both, later + 1h), 0u);
  EXPECT_EQ(signing_authority({both[0]}, later), 0u) << "the first one has nobody to wait for";
  EXPECT_EQ(signing_authority(both, now + 10 * 365 * 24h), 0u);
}

TEST(Authority, IsTrustedUntilItRunsOut) {
  const auto later = now + 7 * 365 * 24h;
  const std::vector<Validity> both = {validity_from(later, authority_lifetime), validity_from(now, authority_lifetime)};
  EXPECT_THAT(still_trusted(both, later), ElementsAre(0u, 1u));
  EXPECT_THAT(still_trusted(both, now + 10 * 365 * 24h), ElementsAre(0u));
  EXPECT_THAT(still_trusted({}, now), IsEmpty());
}

}  // namespace
}  // namespace turnkeeper::op
