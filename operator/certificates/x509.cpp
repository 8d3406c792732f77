#include "operator/certificates/x509.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/owned.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::op {
namespace {

using Certificate = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Memory = Owned<BIO, BIO_free_all>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

// OpenSSL fails here only without memory or randomness: there is nothing to go on with.
void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make a certificate");
}

Memory read_only(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate certificate_of(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(read_only(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

Key key_of(const Secret& pem) {
  Key key(PEM_read_bio_PrivateKey(read_only(pem.reveal()).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

std::string contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

Identity pem_of(X509* certificate, EVP_PKEY* key) {
  const Memory certificate_text(BIO_new(BIO_s_mem()));
  const Memory key_text(BIO_new(BIO_s_secmem()));
  must(PEM_write_bio_X509(certificate_text.get(), certificate) == 1);
  must(PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {contents(certificate_text.get()), Secret(contents(key_text.get()))};
}

void add(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void set_time(ASN1_TIME* field, SystemTime time) {
  must(ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr);
}

SystemTime time_of(const ASN1_TIME* field) {
  std::tm parts{};
  ASN1_TIME_to_tm(field, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

Certificate unsigned_certificate(const std::string& common_name, EVP_PKEY* key, const Validity& validity) {
  Certificate certificate(X509_new());
  must(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  std::string serial = random_bytes(16);
  serial[0] = static_cast<char>(static_cast<unsigned char>(serial[0]) & 0x7F);  // positive
  const Owned<BIGNUM, BN_free> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), static_cast<int>(serial.size()), nullptr));
  must(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) != nullptr);
  set_time(X509_getm_notBefore(certificate.get()), validity.not_before);
  set_time(X509_getm_notAfter(certificate.get()), validity.not_after);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0) == 1);
  must(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  must(key != nullptr);
  return key;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

std::string kind_of(const std::string& name) {
  if (is_address(name)) return "IP:";
  return name.find(':') == std::string::npos ? "DNS:" : "URI:";
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  return inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size()) != nullptr ? text.data() : "";
}

std::vector<std::string> names_of(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> out;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_IPADD) {
      out.push_back(address_text(name->d.iPAddress));
    } else if (name->type == GEN_DNS || name->type == GEN_URI) {
      out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.ia5)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.ia5)));
    }
  }
  return out;
}

}  // namespace

Identity make_authority(const Validity& validity) {
  const Key key = new_key();
  // A name of its own, so that no one takes an authority for the one that it follows.
  const auto certificate = unsigned_certificate("turnkeeper " + hex_encode(random_bytes(4)), key.get(), validity);
  must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1);
  add(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  must(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  return pem_of(certificate.get(), key.get());
}

Result<Identity> sign(const Identity& authority, const std::vector<std::string>& names, Validity validity) {
  const auto issuer = certificate_of(authority.certificate);
  const auto issuer_key = key_of(authority.key);
  if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    ERR_clear_error();
    return fail("the authority's certificate and key do not belong together");
  }
  validity.not_before = std::max(validity.not_before, time_of(X509_get0_notBefore(issuer.get())));
  validity.not_after = std::min(validity.not_after, time_of(X509_get0_notAfter(issuer.get())));
  const Key key = new_key();
  const auto certificate = unsigned_certificate(names.front().substr(0, 64), key.get(), validity);
  must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) == 1);
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ",") + (kind_of(name) + name);
  add(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add(certificate.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  add(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add(certificate.get(), issuer.get(), NID_subject_alt_name, list);
  add(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
  must(X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0);
  return pem_of(certificate.get(), key.get());
}

Result<CertificateFacts> read_certificate(const std::string& pem) {
  const auto certificate = certificate_of(pem);
  if (!certificate) return fail("there is no certificate in it");
  return CertificateFacts{
      {time_of(X509_get0_notBefore(certificate.get())), time_of(X509_get0_notAfter(certificate.get()))},
      names_of(certificate.get())};
}

bool key_fits(const Identity& identity) {
  const auto certificate = certificate_of(identity.certificate);
  const auto key = key_of(identity.key);
  const bool fits = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

bool is_signed_by(const std::string& certificate, const std::string& authority) {
  const auto signed_one = certificate_of(certificate);
  const auto issuer = certificate_of(authority);
  const bool is = signed_one && issuer && X509_verify(signed_one.get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return is;
}

}  // namespace turnkeeper::op
