#include "turnkeeper/kube/tls_trust.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "turnkeeper/base/owned.hpp"

namespace turnkeeper::kube {
namespace {

namespace ssl = boost::asio::ssl;

// Trusts the given authorities and no others. False when there is no certificate in `pem`.
bool trust_only(SSL_CTX* context, const std::string& pem) {
  X509_STORE* store = X509_STORE_new();
  const Owned<BIO, BIO_free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (const Owned<X509, X509_free> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store, certificate.get());
    ++count;
  }
  ERR_clear_error();  // the end of the PEM text is reported as an error
  if (count == 0) {
    X509_STORE_free(store);
    return false;
  }
  SSL_CTX_set_cert_store(context, store);  // takes it
  return true;
}

std::string current_ca(const Config& config) {
  if (config.ca_file.empty()) return config.ca_pem;
  std::ifstream file(config.ca_file, std::ios::binary);
  std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return pem.empty() ? config.ca_pem : pem;
}

ssl::context make_context(const Config& config, const std::string& ca) {
  ssl::context context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (ca.empty()) {
    context.set_default_verify_paths();
  } else if (!trust_only(context.native_handle(), ca)) {
    throw boost::system::system_error(boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                                      "the certificate authority is not in PEM form");
  }
  if (!config.client_cert_pem.empty()) {
    context.use_certificate_chain(boost::asio::buffer(config.client_cert_pem));
    context.use_private_key(boost::asio::buffer(config.client_key_pem.reveal()), ssl::context::pem);
  }
  context.set_verify_mode(config.skip_tls_verify ? ssl::verify_none : ssl::verify_peer);
  return context;
}

}  // namespace

std::shared_ptr<ssl::context> TlsTrust::context() {
  std::lock_guard lock(mutex_);
  std::string ca = current_ca(config_);
  if (!made_ || ca != ca_) {
    made_ = std::make_shared<ssl::context>(make_context(config_, ca));
    ca_ = std::move(ca);
  }
  return made_;
}

}  // namespace turnkeeper::kube
