#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/cluster_report.hpp"
#include "cli/commands.hpp"
#include "cli/kubernetes.hpp"

namespace turnkeeper::cli {

void add_status(CLI::App& app, Run& run) {
  struct Options {
    KubernetesOptions kubernetes;
    std::string cluster;
  };
  const auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "status", "Show a TurnCluster in Kubernetes: what is wrong, which region serves whom, each relay, the rotation.");
  command->add_option("CLUSTER", options->cluster, "The TurnCluster; left out: the only one of the namespace");
  add_kubernetes_options(*command, options->kubernetes);
  command->callback([&run, options] {
    run = [options]() -> Result<void> {
      auto kubernetes = Kubernetes::connect(options->kubernetes);
      if (!kubernetes) return fail(kubernetes.error());
      const auto object = kubernetes->turn_cluster(options->cluster);
      if (!object) return fail(object.error());
      std::cout << cluster_report(*object, real_clock().system());
      return {};
    };
  });
}

}  // namespace turnkeeper::cli
