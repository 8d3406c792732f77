#include "turnkeeper/kube/config.hpp"

#include <cstdlib>
#include <filesystem>

#include "turnkeeper/kube/in_cluster.hpp"
#include "turnkeeper/kube/kubeconfig.hpp"

namespace turnkeeper::kube {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

Environment Environment::of_process() {
  return {.kubeconfig = variable("KUBECONFIG"),
          .home = variable("HOME"),
          .service_host = variable("KUBERNETES_SERVICE_HOST"),
          .service_port = variable("KUBERNETES_SERVICE_PORT")};
}

turnkeeper::Result<Config> load_config(const ConfigOptions& options, const Environment& environment) {
  if (!options.kubeconfig_flag.empty()) return load_kubeconfig({options.kubeconfig_flag});
  if (!environment.kubeconfig.empty()) return load_kubeconfig(split_kubeconfig_paths(environment.kubeconfig));
  if (!environment.service_host.empty()) return load_in_cluster(environment);
  if (!environment.home.empty()) {
    const std::string path = environment.home + "/.kube/config";
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return load_kubeconfig({path});
  }
  return turnkeeper::fail("no Kubernetes configuration found",
                          "give --kubeconfig FILE, set KUBECONFIG, or run in a pod with a service account");
}

}  // namespace turnkeeper::kube
