#include <iostream>
#include <memory>

#include "cli/cluster_file.hpp"
#include "cli/commands.hpp"

namespace turnkeeper::cli {

void add_validate(CLI::App& app, Run& run) {
  auto* command = app.add_subcommand("validate", "Check a TurnCluster file without running it.");
  const auto file = std::make_shared<std::string>();
  command->add_option("-f,--file", *file, "The TurnCluster, as YAML or JSON")->required();
  command->callback([&run, file] {
    run = [file]() -> Result<void> {
      const auto cluster = read_cluster(*file);
      if (!cluster) return fail(cluster.error());
      int relays = 0;
      for (const auto& region : cluster->spec.regions) relays += region.relay.replicas;
      std::cout << *file << ": TurnCluster " << cluster->name << " is valid: " << relays << " relays in "
                << cluster->spec.regions.size() << " regions\n";
      return {};
    };
  });
}

}  // namespace turnkeeper::cli
