#include "turnkeeper/rpc/mutual_tls.hpp"

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "turnkeeper/base/owned.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper {
namespace {

constexpr unsigned certificate_refresh_seconds = 60;

std::string first_dns_name(X509* certificate) {
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))};
  }
  return {};
}

}  // namespace

Result<std::string> check_mutual_tls(const MutualTls& files) {
  for (const auto& path : {files.certificate, files.key, files.authority}) {
    if (auto readable = Secret::from_file(path); !readable) return fail(readable.error());
  }
  const Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
  Result<std::string> result;
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    result = fail(files.certificate + " holds no certificate", "give a PEM certificate chain with --tls-cert");
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    result =
        fail(files.key + " does not hold the private key of " + files.certificate, "give its PEM key with --tls-key");
  } else if (SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) != 1) {
    result = fail(files.authority + " holds no certificate",
                  "give the authority of the other side's certificates with --tls-ca");
  } else {
    result = first_dns_name(SSL_CTX_get0_certificate(context.get()));
  }
  ERR_clear_error();
  return result;
}

std::shared_ptr<grpc::ServerCredentials> mutual_tls_server(const std::optional<MutualTls>& files) {
  if (!files) return grpc::InsecureServerCredentials();
  namespace experimental = grpc::experimental;
  experimental::TlsServerCredentialsOptions options(std::make_shared<experimental::FileWatcherCertificateProvider>(
      files->key, files->certificate, files->authority, certificate_refresh_seconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return experimental::TlsServerCredentials(options);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> mutual_tls_channel(const std::optional<MutualTls>& files) {
  if (!files) return grpc::InsecureChannelCredentials();
  const auto certificate = Secret::from_file(files->certificate);
  const auto key = Secret::from_file(files->key);
  const auto authority = Secret::from_file(files->authority);
  for (const auto* file : {&certificate, &key, &authority}) {
    if (!*file) return fail(file->error());
  }
  return grpc::SslCredentials({.pem_root_certs = authority->reveal() + "\n",
                               .pem_private_key = key->reveal() + "\n",
                               .pem_cert_chain = certificate->reveal() + "\n"});
}

std::vector<std::string> peer_names(const grpc::AuthContext& peer) {
  std::vector<std::string> names;
  for (const auto& name : peer.FindPropertyValues("x509_subject_alternative_name")) {
    names.emplace_back(name.data(), name.size());
  }
  return names;
}

}  // namespace turnkeeper
