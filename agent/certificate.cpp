#include "agent/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cctype>
#include <ctime>

#include "agent/file.hpp"
#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::agent {
namespace {

using Bio = Owned<BIO, BIO_free>;
using X509Ptr = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;

// Security level 2 of OpenSSL, the default of Debian's: RSA of 2048 bits, elliptic curves of 224.
constexpr int least_security_bits = 112;

Bio reading(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_password(char*, int, int, void*) {
  return -1;
}

std::string serial_of(const X509* certificate) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  char* hex = BN_bn2hex(number.get());
  std::string text = hex;
  OPENSSL_free(hex);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

SystemTime to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string ended_by_newline(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

}  // namespace

Result<Certificate> check_certificate(const std::string& chain_pem, const Secret& key_pem) {
  const auto refuse = [](const char* why, const char* advice) {
    ERR_clear_error();
    return fail(why, advice);
  };
  const X509Ptr certificate(PEM_read_bio_X509(reading(chain_pem).get(), nullptr, no_password, nullptr));
  if (!certificate) return refuse("tls.crt holds no certificate in PEM", "put the chain there, the relay's own first");
  const Key key(PEM_read_bio_PrivateKey(reading(key_pem.reveal()).get(), nullptr, no_password, nullptr));
  if (!key) return refuse("tls.key holds no private key in PEM", "put the key there, without a password");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return refuse("tls.key is not the key of the certificate in tls.crt", "replace both together");
  }
  if (EVP_PKEY_get_security_bits(key.get()) < least_security_bits) {
    return refuse("the key in tls.key is too weak: TLS libraries refuse it",
                  "use RSA of 2048 bits or more, or ECDSA on P-256");
  }
  return Certificate{.pem = Secret(ended_by_newline(chain_pem) + ended_by_newline(key_pem.reveal())),
                     .serial = serial_of(certificate.get()),
                     .not_before = to_time(X509_get0_notBefore(certificate.get())),
                     .not_after = to_time(X509_get0_notAfter(certificate.get()))};
}

Result<Certificate> read_certificate(const std::string& directory) {
  const auto chain = read_file(directory + "/tls.crt");
  if (!chain) return fail(chain.error().message, "the TLS Secret is mounted there; or name its directory with --tls");
  auto key = read_file(directory + "/tls.key");
  if (!key) return fail(key.error().message, "the TLS Secret is mounted there; or name its directory with --tls");
  auto certificate = check_certificate(*chain, Secret(std::move(*key)));
  if (!certificate) return fail(certificate.error().within(directory));
  return certificate;
}

}  // namespace turnkeeper::agent
