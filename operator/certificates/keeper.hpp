// Keeps the internal certificates: in Secrets, from which monitors mount theirs, and the operator's own as files too.
//
//   CertificateKeeper keeper(client, {.namespace_name = "turnkeeper", .prefix = "turnkeeper", .names = {}, .directory =
//   "/run/tls"},
//                            clock);
//   if (auto kept = keeper.keep(); !kept) return fail(kept.error());   // all are there now
//   std::jthread thread([&](std::stop_token stop) { keeper.run(stop); });
//
// Three Secrets: PREFIX-authority, which holds the only keys that sign and is never replaced when it cannot be read;
// PREFIX-operator-tls for the gRPC server; PREFIX-monitor-tls for the monitors of all TurnClusters (those of one have
// each their own, beside them: vantage_certificate()). Each write names the version that it rests on, so two operators
// that lead at once end with one authority.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "operator/certificates/certificate_secret.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::op {

class CertificateKeeper {
 public:
  struct Options {
    std::string namespace_name;
    std::string prefix;              // also of the operator's Service, PREFIX-operator
    std::vector<std::string> names;  // by which the operator is reached beside that Service: DNS names, addresses
    std::string directory;           // gets tls.crt, tls.key and ca.crt; made if needed, mode 0700
  };
  // Both must outlive it.
  CertificateKeeper(kube::Client& client, Options options, const Clock& clock);

  // Issues what is due and writes the files. At rest it reads three Secrets and writes nothing.
  [[nodiscard]] Result<> keep();
  // keep() each minute until stop is requested; what fails is logged.
  void run(std::stop_token stop);

 private:
  [[nodiscard]] Result<Authorities> keep_authorities();
  // The certificate in the Secret PREFIX-NAME-tls.
  [[nodiscard]] Result<nlohmann::json> keep_certificate(const std::string& name, const std::vector<std::string>& names,
                                                        const Authorities& authorities);
  [[nodiscard]] Result<std::optional<nlohmann::json>> read(const std::string& name);
  enum class Wrote { done, outdated };
  // A Secret with that data, if it is still what `before` says: `outdated` when it is not.
  [[nodiscard]] Result<Wrote> write(const std::string& name, const std::optional<nlohmann::json>& before,
                                    nlohmann::json& object);
  [[nodiscard]] Result<> write_files(const nlohmann::json& secret) const;

  kube::Client& client_;
  const Options options_;
  const Clock& clock_;
};

}  // namespace turnkeeper::op
