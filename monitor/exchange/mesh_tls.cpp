#include "monitor/exchange/mesh_tls.hpp"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr unsigned certificate_refresh_seconds = 60;
constexpr const char* name_advice =
    "have it issued with a DNS name that all monitors share, such as turnkeeper-monitor";

std::string first_dns_name(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
            static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))};
  }
  return {};
}

}  // namespace

Result<std::string> mesh_name(const Exchange::Tls& files) {
  for (const auto& path : {files.certificate, files.key, files.authority}) {
    if (auto readable = Secret::from_file(path); !readable) return fail(readable.error().within("TLS of the exchange"));
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  Result<std::string> result;
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    result = fail(files.certificate + " holds no certificate", "give a PEM certificate chain with --tls-cert");
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    result =
        fail(files.key + " does not hold the private key of " + files.certificate, "give its PEM key with --tls-key");
  } else if (SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) != 1) {
    result = fail(files.authority + " holds no certificate",
                  "give the authority of the other monitors' certificates with --tls-ca");
  } else if (auto name = first_dns_name(SSL_CTX_get0_certificate(context.get())); name.empty()) {
    result = fail(files.certificate + " carries no DNS name", name_advice);
  } else {
    result = std::move(name);
  }
  ERR_clear_error();
  return result;
}

std::shared_ptr<grpc::ServerCredentials> mesh_server_credentials(const std::optional<Exchange::Tls>& files) {
  if (!files) return grpc::InsecureServerCredentials();
  namespace experimental = grpc::experimental;
  experimental::TlsServerCredentialsOptions options(std::make_shared<experimental::FileWatcherCertificateProvider>(
      files->key, files->certificate, files->authority, certificate_refresh_seconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return experimental::TlsServerCredentials(options);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> mesh_channel_credentials(const std::optional<Exchange::Tls>& files) {
  if (!files) return grpc::InsecureChannelCredentials();
  const auto certificate = Secret::from_file(files->certificate);
  const auto key = Secret::from_file(files->key);
  const auto authority = Secret::from_file(files->authority);
  for (const auto* file : {&certificate, &key, &authority}) {
    if (!*file) return fail(file->error().within("TLS towards another monitor"));
  }
  return grpc::SslCredentials({.pem_root_certs = authority->reveal() + "\n",
                               .pem_private_key = key->reveal() + "\n",
                               .pem_cert_chain = certificate->reveal() + "\n"});
}

bool is_of_the_mesh(const grpc::AuthContext& caller, const std::string& name) {
  const auto names = caller.FindPropertyValues("x509_subject_alternative_name");
  return std::ranges::any_of(
      names, [&](const grpc::string_ref& one) { return std::string_view(one.data(), one.size()) == name; });
}

}  // namespace turnkeeper::monitor
