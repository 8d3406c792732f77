#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::testbed {
namespace {

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;

// A test cannot go on without them.
template <class T>
T* required(T* made) {
  if (made == nullptr) std::abort();
  return made;
}

Certificate make(const std::string& common_name, EVP_PKEY* key, long from, long to, int serial) {
  Certificate certificate(required(X509_new()));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

void add(X509* certificate, X509* issuer, int extension, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> made(
      required(X509V3_EXT_conf_nid(nullptr, &context, extension, value.c_str())));
  X509_add_ext(certificate, made.get(), -1);
}

template <class Write>
void write(const std::string& path, const Write& to) {
  const Owned<FILE, std::fclose> file(required(std::fopen(path.c_str(), "w")));
  to(file.get());
}

}  // namespace

struct Authority::State {
  std::string directory;
  Key key{required(EVP_EC_gen("P-256"))};
  Certificate certificate;
  int issued = 1;
};

Authority::Authority(std::string directory) : state_(std::make_unique<State>()) {
  state_->directory = std::move(directory);
  state_->certificate = make("test authority", state_->key.get(), -86'400, 10 * 86'400, 1);
  X509* own = state_->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  add(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add(own, own, NID_subject_key_identifier, "hash");
  X509_sign(own, state_->key.get(), EVP_sha256());
  write(file(), [&](FILE* out) { PEM_write_X509(out, own); });
}

Authority::~Authority() = default;

std::string Authority::file() const {
  return state_->directory + "/authority.pem";
}

Authority::Files Authority::issue(const Request& request) {
  const int serial = ++state_->issued;
  const Key key(required(EVP_EC_gen("P-256")));
  const std::string name = request.names.empty() ? "relay" : request.names.front();
  const auto certificate = make(name, key.get(), request.valid_from.count(), request.valid_to.count(), serial);
  X509* issuer = request.self_signed ? certificate.get() : state_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  add(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  add(certificate.get(), issuer, NID_ext_key_usage, "serverAuth");
  std::string names;
  for (const auto& one : request.names) names += (names.empty() ? "DNS:" : ",DNS:") + one;
  for (const auto& one : request.addresses) names += (names.empty() ? "IP:" : ",IP:") + one;
  if (!names.empty()) add(certificate.get(), issuer, NID_subject_alt_name, names);
  X509_sign(certificate.get(), request.self_signed ? key.get() : state_->key.get(), EVP_sha256());

  const std::string base = state_->directory + "/" + std::to_string(serial);
  write(base + ".crt", [&](FILE* out) { PEM_write_X509(out, certificate.get()); });
  write(base + ".key", [&](FILE* out) { PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return {base + ".crt", base + ".key"};
}

}  // namespace turnkeeper::testbed
