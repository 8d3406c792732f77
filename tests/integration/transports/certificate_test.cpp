// A certificate that browsers would refuse is told apart from every other failure, over TLS and DTLS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "secure_relay.hpp"
#include "waiting_client.hpp"

namespace turnkeeper::turn::test {
namespace {

using namespace std::chrono_literals;
using Family = SocketAddress::Family;
using Kind = ConnectFailure::Kind;
using testing::HasSubstr;

class Certificate : public testing::Test {
 protected:
  void serve(const testbed::Authority::Request& request) {
    relay_ = std::make_unique<SecureRelay>("4.6.1", authority_.issue(request));
  }

  Outcome connect_over(Protocol protocol, const std::string& name, TlsOptions options) {
    const auto tls = make_tls_context(options);
    if (!tls) return tl::unexpected(ConnectFailure{.detail = tls.error().text()});
    return connect_with(protocol, name, *tls);
  }
  Outcome connect_with(Protocol protocol, const std::string& name, const std::shared_ptr<TlsContext>& tls,
                       const Clock& clock = real_clock()) {
    auto outcome =
        connect_and_wait(io_, relay_->endpoint(protocol, Family::ipv4),
                         {.tls = tls, .server_name = name, .deadline = Deadline::after(clock, 5s), .clock = &clock});
    return outcome ? std::move(*outcome) : tl::unexpected(ConnectFailure{.detail = "no outcome"});
  }

  [[nodiscard]] TlsOptions trusting() const { return {.ca_file = authority_.file()}; }

  void expect_failure(const std::string& name, const TlsOptions& options, Kind kind, const std::string& detail) {
    for (const auto protocol : {Protocol::tls, Protocol::dtls}) {
      const auto outcome = connect_over(protocol, name, options);
      ASSERT_FALSE(outcome) << protocol_name(protocol);
      EXPECT_EQ(kind_name(outcome.error().kind), kind_name(kind)) << outcome.error().detail;
      EXPECT_THAT(outcome.error().detail, HasSubstr(detail));
      EXPECT_TRUE(outcome.error().in_tls);
      EXPECT_TRUE(outcome.error().certificate) << "what it showed is worth telling";
      EXPECT_GT(outcome.error().connect_time.count(), 0);
      EXPECT_GT(outcome.error().tls_time.count(), 0);
    }
  }

  TemporaryDirectory directory_;
  testbed::Authority authority_{directory_.path()};
  std::unique_ptr<SecureRelay> relay_;
  boost::asio::io_context io_;
};

TEST_F(Certificate, ExpiredIsSaidWithItsDate) {
  serve({.names = {"turn.example.org"}, .valid_from = -48h, .valid_to = -24h});
  const auto yesterday = rfc3339(real_clock().system() - 24h).substr(0, 10);
  expect_failure("turn.example.org", trusting(), Kind::certificate_expired, "expired " + yesterday);
}

TEST_F(Certificate, OtherNamesAreSaid) {
  serve({.names = {"other.example.org", "*.wild.example.org"}, .addresses = {"192.0.2.1"}});
  expect_failure("turn.example.org", trusting(), Kind::certificate_name,
                 "not for turn.example.org but for other.example.org, *.wild.example.org, 192.0.2.1");
  // An address is verified as one, and is what counts without a name.
  expect_failure("127.0.0.1", trusting(), Kind::certificate_name, "not for 127.0.0.1");
  expect_failure("", trusting(), Kind::certificate_name, "not for 127.0.0.1");
  for (const char* name : {"other.example.org", "OTHER.example.org.", "a.wild.example.org", "192.0.2.1"}) {
    EXPECT_TRUE(connect_over(Protocol::tls, name, trusting())) << name;
  }
  EXPECT_FALSE(connect_over(Protocol::tls, "a.b.wild.example.org", trusting()));
}

TEST_F(Certificate, UnknownIssuerIsUntrusted) {
  serve({.names = {"turn.example.org"}});
  expect_failure("turn.example.org", {}, Kind::certificate_untrusted, "the certificate of CN=turn.example.org: unable");
}

TEST_F(Certificate, SelfSignedIsUntrustedUnlessItIsWhatToTrust) {
  const auto files = authority_.issue({.names = {"turn.example.org"}, .self_signed = true});
  relay_ = std::make_unique<SecureRelay>("4.6.1", files);
  expect_failure("turn.example.org", trusting(), Kind::certificate_untrusted, "self-signed");
  EXPECT_TRUE(connect_over(Protocol::tls, "turn.example.org", {.ca_file = files.certificate}));
}

TEST_F(Certificate, UnverifiedIsToldAllTheSame) {
  serve({.names = {"turn.example.org"}, .valid_from = -48h, .valid_to = -24h});
  const auto outcome = connect_over(Protocol::tls, "elsewhere.example.org", {.verify = false});
  ASSERT_TRUE(outcome) << outcome.error().detail;
  const auto& certificate = *outcome->certificate;
  EXPECT_LT(std::chrono::abs(certificate.not_after - (real_clock().system() - 24h)), 1min);
  EXPECT_LT(std::chrono::abs(certificate.not_before - (real_clock().system() - 48h)), 1min);
  EXPECT_EQ(certificate.subject, "CN=turn.example.org");
  EXPECT_EQ(certificate.issuer, "CN=test authority");
  EXPECT_EQ(certificate.serial, "02");
  EXPECT_THAT(certificate.names, testing::ElementsAre("turn.example.org"));
}

TEST_F(Certificate, ResumptionDoesNotHideThatItExpired) {
  serve({.names = {"turn.example.org"}, .valid_to = 1h});
  const auto tls = make_tls_context(trusting()).value();
  const auto handshake = [&](const Clock& clock) {
    auto outcome = connect_with(Protocol::dtls, "turn.example.org", tls, clock);
    return !outcome ? std::string(kind_name(outcome.error().kind)) : outcome->resumed ? "resumed" : "full";
  };
  EXPECT_EQ(handshake(real_clock()), "full");
  EXPECT_EQ(handshake(real_clock()), "resumed");
  // Its steady time is the machine's, only the date is another.
  struct Later final : Clock {
    [[nodiscard]] SteadyTime steady() const override { return real_clock().steady(); }
    [[nodiscard]] SystemTime system() const override { return real_clock().system() + 2h; }
  } later;
  EXPECT_EQ(handshake(later), "certificate_expired");
}

// In a process of its own: the system's authorities are read once, and there the environment says where they are.
TEST_F(Certificate, WithoutAFileOfAuthoritiesTheSystemsVouch) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ::setenv("SSL_CERT_FILE", authority_.file().c_str(), 1);
        serve({.names = {"turn.example.org"}});
        const bool all = connect_over(Protocol::tls, "turn.example.org", {}) &&
                         connect_over(Protocol::dtls, "turn.example.org", {}) &&
                         !connect_over(Protocol::tls, "turn.example.net", {});
        relay_.reset();
        std::_Exit(all ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(TlsContext, SaysWhichFileCannotBeRead) {
  const auto missing = make_tls_context({.ca_file = "/nowhere/ca.pem"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nowhere/ca.pem: No such file"));
  const auto no_certificate = make_tls_context({.ca_file = "/proc/self/status"});
  ASSERT_FALSE(no_certificate);
  EXPECT_THAT(no_certificate.error().message, HasSubstr("/proc/self/status"));
}

}  // namespace
}  // namespace turnkeeper::turn::test
