#include "agent/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/file.hpp"
#include "tests/support/certificates.hpp"
#include "turnkeeper/base/child_process.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class CertificateTest : public testing::Test {
 protected:
  CertificateTest() {
    std::string name = testing::TempDir() + "certificate.XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~CertificateTest() override { std::filesystem::remove_all(directory_); }

  static Result<Certificate> check(const std::string& certificate_file, const std::string& key_file) {
    return check_certificate(read_file(certificate_file).value(), Secret(read_file(key_file).value()));
  }
  std::string run(const std::string& command) {
    const auto output =
        run_command({"sh", "-c", "cd " + directory_ + " && " + command}, Deadline::after(real_clock(), 30s));
    EXPECT_EQ(output.value().status, 0) << output->text;
    return output->text;
  }

  std::string directory_;
};

TEST_F(CertificateTest, ReadsAPairAndTellsItsSerialAndDates) {
  testbed::Authority authority(directory_);
  const auto files = authority.issue({.names = {"turn.example.org"}, .valid_to = 24h});
  const auto certificate = check(files.certificate, files.key);
  ASSERT_TRUE(certificate) << certificate.error().text();
  const std::string serial = run("openssl x509 -noout -serial -in " + files.certificate);
  EXPECT_THAT(serial, HasSubstr("serial=" + certificate->serial + "\n")) << "the monitor compares it";
  EXPECT_LT(std::chrono::abs(certificate->not_after - (real_clock().system() + 24h)), 1min);
  EXPECT_LT(certificate->not_before, real_clock().system());
  // One file with both: what coturn is given as certificate and as key.
  EXPECT_TRUE(check_certificate(certificate->pem.reveal(), certificate->pem));
}

TEST_F(CertificateTest, RefusesWhatCoturnCouldNotUse) {
  testbed::Authority authority(directory_);
  const auto first = authority.issue({.names = {"turn.example.org"}});
  const auto second = authority.issue({.names = {"turn.example.org"}});
  run("openssl ec -in " + second.key +
      " -aes128 -passout pass:x -out locked.key 2>/dev/null || "
      "openssl rsa -in " +
      second.key + " -aes128 -passout pass:x -out locked.key");
  run("openssl req -x509 -newkey rsa:1024 -nodes -keyout weak.key -out weak.crt -subj /CN=turn.example.org -days 1");
  for (const auto& [certificate, key, expected] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {second.certificate, first.key, "is not the key of the certificate"},
           {second.key, second.key, "tls.crt holds no certificate"},
           {second.certificate, second.certificate, "tls.key holds no private key"},
           {second.certificate, directory_ + "/locked.key", "tls.key holds no private key"},
           {directory_ + "/weak.crt", directory_ + "/weak.key", "too weak"}}) {
    const auto refused = check(certificate, key);
    ASSERT_FALSE(refused) << expected;
    EXPECT_THAT(refused.error().message, HasSubstr(expected));
    EXPECT_FALSE(refused.error().advice.empty());
    EXPECT_THAT(refused.error().text(), testing::Not(HasSubstr("PRIVATE")));
  }
}

TEST_F(CertificateTest, NamesTheFileThatIsMissing) {
  EXPECT_THAT(read_certificate(directory_).error().message, HasSubstr(directory_ + "/tls.crt"));
}

}  // namespace
}  // namespace turnkeeper::agent
