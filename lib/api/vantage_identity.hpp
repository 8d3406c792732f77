// What a monitor's certificate says of its rights. One that the operator runs for a single TurnCluster (a vantage) has
// a certificate with the URI "turnkeeper:vantage/NAMESPACE/CLUSTER/PLACE": it speaks under that vantage's name alone,
// is told of that TurnCluster alone, and is believed about that TurnCluster alone. A certificate without such a URI is
// of a monitor of all TurnClusters. Pure.
//
//   const auto identity = vantage_identity(names_in_the_peers_certificate);
//   if (identity && !identity->covers("telephony/calls")) return;   // it has no business with that one
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnkeeper::api {

struct VantageIdentity {
  std::string cluster;  // "telephony/calls"; empty: of none
  std::string vantage;  // "telephony/calls/us-east", as in metrics and reports
  [[nodiscard]] bool covers(const std::string& of) const { return !cluster.empty() && of == cluster; }
};

// What a vantage may be called: "paris", of at most 63 letters, digits, '.', '-' and '_', as a person names it; or
// "NAMESPACE/CLUSTER/PLACE", as the operator does.
[[nodiscard]] bool is_vantage_name(std::string_view name);

// `vantage` is "NAMESPACE/CLUSTER/PLACE".
[[nodiscard]] std::string vantage_uri(const std::string& vantage);
// From all names in a certificate, of any kind. Several such URIs, or a malformed one: a vantage of no TurnCluster, so
// that a mistake takes rights away and never gives them.
[[nodiscard]] std::optional<VantageIdentity> vantage_identity(const std::vector<std::string>& names);

}  // namespace turnkeeper::api
