#include "operator/certificates/keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "secrets_server.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto day = 24h;

// Would a process that trusts `authorities` accept `certificate` at that time, as that kind of peer under that name?
bool accepted(const std::string& certificate, const std::string& authorities, const std::string& name, int purpose,
              SystemTime at) {
  const auto memory = [](const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  };
  X509_STORE* store = X509_STORE_new();
  BIO* trusted = memory(authorities);
  while (X509* one = PEM_read_bio_X509(trusted, nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, one);
    X509_free(one);
  }
  BIO_free(trusted);
  BIO* text = memory(certificate);
  X509* leaf = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
  BIO_free(text);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_VERIFY_PARAM* checks = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_time(checks, std::chrono::system_clock::to_time_t(at));
  X509_VERIFY_PARAM_set1_host(checks, name.c_str(), name.size());
  X509_VERIFY_PARAM_set_purpose(checks, purpose);
  X509_VERIFY_PARAM_set_flags(checks, X509_V_FLAG_X509_STRICT);
  const bool valid = leaf != nullptr && X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_free(leaf);
  X509_STORE_free(store);
  return valid;
}

class Certificates : public testing::Test {
 protected:
  Certificates() : directory_(testing::TempDir() + "certificates-" + std::to_string(::getpid())) {
    log::configure(log::Level::error, log::Format::logfmt);
  }
  ~Certificates() override { std::filesystem::remove_all(directory_); }

  CertificateKeeper keeper(const std::string& directory = "") {
    return {client_,
            {"turnkeeper",
             "tk",
             {"turn.example.org", "192.0.2.9", "2001:db8::9"},
             directory.empty() ? directory_ : directory_ + directory},
            clock_};
  }
  std::string entry(const std::string& secret, const std::string& name) {
    return base64_decode(server_->secrets.at(secret).at("data").at(name).get<std::string>()).value();
  }
  std::string file(const std::string& name) {
    std::ifstream in(directory_ + '/' + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // The link works both ways: each side trusts what it has beside its certificate.
  void expect_link() {
    const auto now = clock_.system();
    EXPECT_TRUE(accepted(entry("tk-operator-tls", "tls.crt"), entry("tk-monitor-tls", "ca.crt"),
                         "tk-operator.turnkeeper.svc", X509_PURPOSE_SSL_SERVER, now));
    for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER}) {  // monitors among themselves
      EXPECT_TRUE(accepted(entry("tk-monitor-tls", "tls.crt"), entry("tk-operator-tls", "ca.crt"), "turnkeeper-monitor",
                           purpose, now));
    }
  }

  const std::string directory_;
  ManualClock clock_{parse_rfc3339("2026-08-01T12:00:00Z").value()};
  std::shared_ptr<SecretsServer> server_ = std::make_shared<SecretsServer>();
  kube::Client client_{server_};
};

TEST_F(Certificates, AreThereAfterTheFirstLookAndThenLeftAlone) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.keep()) << keeper.keep().error().text();
  expect_link();
  EXPECT_EQ(server_->writes, 3);
  ASSERT_TRUE(keeper.keep());
  ASSERT_TRUE(this->keeper().keep()) << "another operator";
  EXPECT_EQ(server_->writes, 3);
  EXPECT_TRUE(accepted(entry("tk-operator-tls", "tls.crt"), entry("tk-monitor-tls", "ca.crt"), "turn.example.org",
                       X509_PURPOSE_SSL_SERVER, clock_.system()))
      << "a monitor in another Kubernetes cluster";
  EXPECT_EQ(file("tls.crt"), entry("tk-operator-tls", "tls.crt"));
  EXPECT_EQ(file("tls.key"), entry("tk-operator-tls", "tls.key"));
  EXPECT_EQ(file("ca.crt"), entry("tk-operator-tls", "ca.crt"));
  struct stat status {};
  ASSERT_EQ(::stat((directory_ + "/tls.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(directory_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(Certificates, AreOfNoUseForAnythingElse) {
  ASSERT_TRUE(keeper().keep());
  EXPECT_FALSE(accepted(entry("tk-monitor-tls", "tls.crt"), entry("tk-operator-tls", "ca.crt"),
                        "tk-operator.turnkeeper.svc", X509_PURPOSE_SSL_SERVER, clock_.system()))
      << "a monitor could pass for the operator";
  for (const char* secret : {"tk-operator-tls", "tk-monitor-tls"}) {
    EXPECT_FALSE(server_->secrets.at(secret).at("data").dump().find(base64_encode(entry("tk-authority", "tls.key"))) !=
                 std::string::npos)
        << "the key that signs goes no further";
  }
}

TEST_F(Certificates, AreRenewedInTimeByTheSameAuthority) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.keep());
  const auto authority = entry("tk-authority", "tls.crt");
  const auto before = entry("tk-operator-tls", "tls.crt");
  clock_.advance(61 * day);
  ASSERT_TRUE(keeper.keep());
  EXPECT_EQ(entry("tk-authority", "tls.crt"), authority);
  EXPECT_NE(entry("tk-operator-tls", "tls.crt"), before);
  EXPECT_EQ(file("tls.crt"), entry("tk-operator-tls", "tls.crt"));
  expect_link();
  clock_.advance(50 * day);
  expect_link();
}

// In steps of a week, with each process that runs taking up its new files late.
TEST_F(Certificates, LinkIsNeverBrokenNotEvenWhenTheAuthorityIsFollowedByAnother) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.keep());
  const auto first = entry("tk-authority", "tls.crt");
  const auto watch_for = [&](int weeks) {
    for (int week = 0; week < weeks; ++week) {
      const auto held_operator = entry("tk-operator-tls", "tls.crt");
      const auto held_trust = entry("tk-monitor-tls", "ca.crt");
      clock_.advance(7 * day);
      ASSERT_TRUE(keeper.keep());
      expect_link();
      EXPECT_TRUE(accepted(held_operator, entry("tk-monitor-tls", "ca.crt"), "tk-operator", X509_PURPOSE_SSL_SERVER,
                           clock_.system()))
          << week << ": a process that has not taken up its new certificate is refused";
      EXPECT_TRUE(accepted(entry("tk-operator-tls", "tls.crt"), held_trust, "tk-operator", X509_PURPOSE_SSL_SERVER,
                           clock_.system()))
          << week << ": a process that has not taken up the new authorities refuses";
    }
  };
  clock_.advance(6 * 365 * day + 180 * day);
  ASSERT_TRUE(keeper.keep());
  EXPECT_EQ(entry("tk-authority", "tls.crt"), first);
  watch_for(26);
  EXPECT_NE(entry("tk-authority", "tls.crt"), first);
  EXPECT_NE(entry("tk-operator-tls", "ca.crt").find(first), std::string::npos) << "what it signed still counts";
  clock_.advance(3 * 365 * day - 90 * day);
  ASSERT_TRUE(keeper.keep());
  watch_for(16);
  EXPECT_EQ(entry("tk-operator-tls", "ca.crt").find(first), std::string::npos) << "it ran out";
}

TEST_F(Certificates, ComeBackWhenSomebodyDeletedOrSpoiltThem) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.keep());
  server_->secrets.erase("tk-operator-tls");
  server_->secrets["tk-monitor-tls"]["data"]["tls.key"] = base64_encode("no key");
  ASSERT_TRUE(keeper.keep());
  expect_link();
}

// It may be a typing mistake of a person: what it signed still works.
TEST_F(Certificates, AnAuthorityThatCannotBeReadIsNeverReplaced) {
  auto keeper = this->keeper();
  ASSERT_TRUE(keeper.keep());
  server_->secrets["tk-authority"]["data"]["tls.key"] = base64_encode("no key");
  const int writes = server_->writes;
  const auto kept = keeper.keep();
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().text(), HasSubstr("turnkeeper/tk-authority"));
  EXPECT_THAT(kept.error().text(), HasSubstr("backup"));
  EXPECT_EQ(server_->writes, writes);
  server_->secrets.erase("tk-authority");
  ASSERT_TRUE(keeper.keep());
  expect_link();
}

TEST_F(Certificates, TwoOperatorsAtOnceEndWithOneAuthority) {
  auto one = keeper("-one");
  auto other = keeper("-other");
  // The other one is through between the first one's look and its write.
  server_->before = [&](const kube::Request&) {
    server_->before = [&](const kube::Request& request) {
      EXPECT_EQ(request.method, "POST");
      ASSERT_TRUE(other.keep());
    };
  };
  const auto kept = one.keep();
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(server_->writes, 3) << "the one that came late has taken what was there";
  expect_link();
  std::filesystem::remove_all(directory_ + "-one");
  std::filesystem::remove_all(directory_ + "-other");
}

TEST_F(Certificates, ADirectoryThatCannotBeWrittenIsSaid) {
  CertificateKeeper keeper(client_, {"turnkeeper", "tk", {}, "/proc/nothing"}, clock_);
  const auto kept = keeper.keep();
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().text(), HasSubstr("/proc/nothing"));
}

}  // namespace
}  // namespace turnkeeper::op
