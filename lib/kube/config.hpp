// Which API server to talk to, and as whom.
//
//   auto config = kube::load_config({.kubeconfig_flag = flag}, kube::Environment::of_process());
//   if (!config) { std::cerr << config.error().text() << '\n'; return 1; }
//   auto transport = kube::connect(*config, real_clock());
#pragma once

#include <optional>
#include <string>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::kube {

struct Config {
  std::string server;           // "https://10.0.0.1:6443", no path
  std::string ca_pem;           // empty: the system's certificate authorities
  std::string ca_file;          // where ca_pem came from when it may be rotated there; empty: it is fixed
  std::string client_cert_pem;  // both or neither
  Secret client_key_pem;
  Secret token;            // sent as bearer token
  std::string token_file;  // wins over token; read again each minute
  bool skip_tls_verify = false;
  std::string namespace_name;  // the context's, or the service account's; may be empty
  std::string source;          // for messages: "~/.kube/config", "the service account of this pod"
};

// The parts of a process's surroundings that decide where its configuration is: a value, so that tests can state it.
struct Environment {
  std::string kubeconfig;    // $KUBECONFIG: paths joined by ':'
  std::string home;          // $HOME
  std::string service_host;  // $KUBERNETES_SERVICE_HOST
  std::string service_port;  // $KUBERNETES_SERVICE_PORT
  std::string service_account_directory = "/var/run/secrets/kubernetes.io/serviceaccount";

  [[nodiscard]] static Environment of_process();
};

struct ConfigOptions {
  std::string kubeconfig_flag;  // --kubeconfig; empty: not given
};

// The one rule: --kubeconfig, else KUBECONFIG, else the pod's service account, else ~/.kube/config. The first that is
// there decides; a fault in it is an error, not a reason to try the next.
[[nodiscard]] turnkeeper::Result<Config> load_config(const ConfigOptions& options, const Environment& environment);

}  // namespace turnkeeper::kube
