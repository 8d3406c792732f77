#include "operator/link/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <fstream>
#include <memory>

namespace turnkeeper::op {

Result<> check_tls_files(const TlsFiles& files) {
  for (const auto& path : {files.certificate, files.key, files.authority}) {
    if (!std::ifstream(path)) return fail("cannot read " + path, "check that the file exists and may be read");
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  Result<> result;
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    result = fail(files.certificate + " holds no certificate", "give a PEM certificate chain with --tls-cert");
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    result =
        fail(files.key + " does not hold the private key of " + files.certificate, "give its PEM key with --tls-key");
  } else if (SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) != 1) {
    result = fail(files.authority + " holds no certificate",
                  "give the authority of the monitors' certificates with --tls-ca");
  }
  ERR_clear_error();
  return result;
}

}  // namespace turnkeeper::op
