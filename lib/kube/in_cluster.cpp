#include "turnkeeper/kube/in_cluster.hpp"

#include <fstream>
#include <iterator>

namespace turnkeeper::kube {
namespace {

constexpr const char* advice = "let the pod mount its service account token (automountServiceAccountToken: true)";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

turnkeeper::Result<Config> load_in_cluster(const Environment& environment) {
  const std::string& directory = environment.service_account_directory;
  Config config;
  config.source = "the service account of this pod";
  const bool ipv6 = environment.service_host.find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + environment.service_host + "]" : environment.service_host) + ":" +
                  (environment.service_port.empty() ? "443" : environment.service_port);
  config.ca_file = directory + "/ca.crt";
  config.ca_pem = read_file(config.ca_file);
  if (config.ca_pem.empty()) return turnkeeper::fail("cannot read " + config.ca_file, advice);
  config.token_file = directory + "/token";
  if (read_file(config.token_file).empty()) return turnkeeper::fail("cannot read " + config.token_file, advice);
  config.namespace_name = read_file(directory + "/namespace");
  while (!config.namespace_name.empty() && config.namespace_name.back() == '\n') config.namespace_name.pop_back();
  return config;
}

}  // namespace turnkeeper::kube
