#include "monitor/access/admitted_streams.hpp"

#include <gmock/gmock.h>

#include "signed_tokens.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AdmittedStreamsTest : public ::testing::Test {
 protected:
  // Whoever shows `key` opens a stream.
  void open(const std::string& key) {
    auto caller = gate_.admit({.key = Secret(key), .address = "192.0.2.1:40000"});
    ASSERT_TRUE(caller) << caller.error().reason;
    stays_.push_back(streams_.add(*caller, [this, key] { ended_.push_back(key); }));
  }
  void set_keys(const std::string& text) { gate_.set_keys(*ApiKeys::parse(text)); }
  static JwkSet issuer(const std::string& jwks) {
    return *JwkSet::parse("{\"keys\":[" + jwks + "]}", JwkSet::Secrets::refused);
  }
  static std::string line(const std::string& name, std::optional<SystemTime> expires = {}) {
    return key_line({.name = name, .expires = expires}, Secret(name)) + '\n';
  }

  ManualClock clock_;
  AdmittedStreams* told_ = nullptr;
  Gate gate_{{.on_change =
                  [this] {
                    if (told_ != nullptr) told_->keys_changed();
                  }},
             clock_};
  AdmittedStreams streams_{gate_, clock_};
  std::vector<std::shared_ptr<AdmittedStreams::Stay>> stays_;
  std::vector<std::string> ended_;
};

TEST_F(AdmittedStreamsTest, AKeyThatIsTakenBackEndsItsStreamsAndNoOther) {
  told_ = &streams_;
  set_keys(line("a") + line("b"));
  open("a");
  open("b");
  open("a");
  set_keys(line("b") + line("c"));
  EXPECT_THAT(ended_, ElementsAre("a", "a"));
  EXPECT_FALSE(stays_[0]->good());
  EXPECT_TRUE(stays_[1]->good());
  set_keys(line("b"));
  EXPECT_THAT(ended_, ElementsAre("a", "a")) << "an end came twice";
}

TEST_F(AdmittedStreamsTest, AKeyThatExpiresEndsItsStreamsInTime) {
  set_keys(line("long", clock_.system() + seconds(20)) + line("short", clock_.system() + seconds(10)) + line("ever"));
  for (const char* key : {"long", "short", "ever"}) open(key);
  clock_.advance(seconds(9));
  streams_.on_time();
  EXPECT_THAT(ended_, IsEmpty());
  clock_.advance(seconds(1));
  EXPECT_FALSE(stays_[1]->good()) << "news after the end";
  streams_.on_time();
  EXPECT_THAT(ended_, ElementsAre("short"));
  clock_.advance(seconds(10));
  streams_.on_time();
  EXPECT_THAT(ended_, ElementsAre("short", "long"));
}

TEST_F(AdmittedStreamsTest, ATokenWhoseKeyItsIssuerWithdrawsEndsAndOneWhoseKeyStaysDoesNot) {
  told_ = &streams_;
  gate_.set_jwt_rules({.audience = "turn", .required = {}});
  gate_.set_jwt_keys(issuer(std::string(rsa_jwk) + ',' + ec_jwk));
  open(rs256_token);
  open(es256_token);
  gate_.set_jwt_keys(issuer(std::string(ec_jwk) + ',' + rsa_jwk));
  EXPECT_THAT(ended_, IsEmpty()) << "the same keys, fetched again";
  gate_.set_jwt_keys(issuer(ec_jwk));
  EXPECT_THAT(ended_, ElementsAre(rs256_token));
  clock_.advance(std::chrono::hours(24 * 365 * 80));
  streams_.on_time();
  EXPECT_THAT(ended_, ElementsAre(rs256_token, es256_token));
}

TEST_F(AdmittedStreamsTest, AnEndMayDropStreams) {
  told_ = &streams_;
  set_keys(line("a"));
  for (int i = 0; i < 3; ++i) {
    stays_.push_back(streams_.add(*gate_.admit({.key = Secret("a"), .address = {}}), [this] {
      ended_.emplace_back("a");
      stays_.clear();
    }));
  }
  set_keys("");
  EXPECT_THAT(ended_, ElementsAre("a", "a", "a"));
  EXPECT_THAT(stays_, IsEmpty());
}

}  // namespace
}  // namespace turnkeeper::monitor
