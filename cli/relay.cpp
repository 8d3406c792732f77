#include <iomanip>
#include <iostream>
#include <memory>

#include "cli/commands.hpp"
#include "cli/control.hpp"

namespace turnkeeper::cli {
namespace {

struct RelayOptions {
  std::string state_directory;
  std::string relay;
};

Result<void> list(const RelayOptions& options) {
  const auto control = Control::connect(options.state_directory);
  if (!control) return fail(control.error());
  const auto cluster = control->list();
  if (!cluster) return fail(cluster.error());
  std::size_t width = 5;
  for (const auto& relay : cluster->relays) width = std::max(width, relay.name.size());
  for (const auto& relay : cluster->relays) {
    std::cout << relay.name << std::string(width + 2 - relay.name.size(), ' ') << std::left << std::setw(10)
              << relay.state << relay.address << '\n';
  }
  return {};
}

Result<void> act(const RelayOptions& options, Result<void> (Control::*action)(const std::string&) const,
                 const std::string& done) {
  const auto control = Control::connect(options.state_directory);
  if (!control) return fail(control.error());
  if (auto acted = ((*control).*action)(options.relay); !acted) return fail(acted.error());
  std::cout << options.relay << ' ' << done << '\n';
  return {};
}

}  // namespace

void add_relay(CLI::App& app, Run& run) {
  const auto options = std::make_shared<RelayOptions>();
  auto* command = app.add_subcommand("relay", "List, stop, drain and start the relays of a running `turnctl up`.");
  command->require_subcommand(1);
  command->add_option("--state-dir", options->state_directory,
                      "State directory of that `turnctl up`; left out: the one that runs");
  command->fallthrough();

  auto* list_command = command->add_subcommand("list", "Which relays there are, and what each does.");
  list_command->callback([&run, options] { run = [options] { return list(*options); }; });

  auto* stop = command->add_subcommand("stop", "Kill a relay's coturn (SIGKILL) and keep it down.");
  stop->add_option("NAME", options->relay, "The relay, such as eu-0")->required();
  stop->callback([&run, options] {
    run = [options] { return act(*options, &Control::stop, "is down; `turnctl relay start` brings it back"); };
  });

  auto* drain = command->add_subcommand("drain", "Move clients away from a relay, which goes on for those who stay.");
  drain->add_option("NAME", options->relay, "The relay, such as eu-0")->required();
  drain->callback([&run, options] {
    run = [options] { return act(*options, &Control::drain, "drains; `turnctl relay start` brings it back"); };
  });

  auto* start = command->add_subcommand("start", "Let a stopped or draining relay serve again.");
  start->add_option("NAME", options->relay, "The relay, such as eu-0")->required();
  start->callback([&run, options] { run = [options] { return act(*options, &Control::start, "is starting"); }; });
}

}  // namespace turnkeeper::cli
