#include "operator/resources/children.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::op {

nlohmann::json signing_keys_secret(const api::TurnCluster& cluster, const api::SigningKeys& keys) {
  auto secret = child(cluster, nullptr, "v1", "Secret", signing_keys_name(cluster));
  secret["type"] = "Opaque";
  secret["data"] = {{"keys.json", base64_encode(api::render_signing_keys(keys).reveal())}};
  return secret;
}

nlohmann::json tls_secret_copy(const api::TurnCluster& cluster, const std::string& site, const nlohmann::json& source) {
  auto secret = child(cluster, nullptr, "v1", "Secret", tls_secret_name(cluster, site));
  secret["type"] = "kubernetes.io/tls";
  for (const char* key : {"tls.crt", "tls.key"}) secret["data"][key] = source.at("data").value(key, "");
  return secret;
}

nlohmann::json snapshot_secret(const std::string& namespace_name, const std::string& name, const Secret& targets) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", name},
        {"namespace", namespace_name},
        {"labels",
         {{"app.kubernetes.io/name", "turnkeeper-targets"}, {"app.kubernetes.io/managed-by", "turnkeeper-operator"}}}}},
      {"type", "Opaque"},
      {"data", {{"targets.json", base64_encode(targets.reveal())}}}};
}

}  // namespace turnkeeper::op
