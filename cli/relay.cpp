#include <iomanip>
#include <iostream>
#include <memory>

#include "cli/commands.hpp"
#include "cli/control.hpp"

namespace turnkeeper::cli {
namespace {

constexpr int exit_usage = 2;

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

// The relays that NAME may be.
std::string choice(const RelayOptions& options) {
  const auto control = Control::connect(options.state_directory);
  const auto cluster = control ? control->list() : fail(control.error());
  if (!cluster) return cluster.error().text();
  std::string names;
  for (const auto& relay : cluster->relays) names += (names.empty() ? "" : ", ") + relay.name;
  return "choose one of " + names;
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

  const auto add = [&](const char* name, const char* help, Result<void> (Control::*action)(const std::string&) const,
                       const char* done) {
    auto* one = command->add_subcommand(name, help);
    one->add_option("NAME", options->relay, "The relay, such as eu-0");
    one->callback([&run, options, action, done] {
      if (options->relay.empty()) throw CLI::ParseError("NAME is missing: " + choice(*options), exit_usage);
      run = [options, action, done] { return act(*options, action, done); };
    });
  };
  add("stop", "Kill a relay's coturn (SIGKILL) and keep it down.", &Control::stop,
      "is down; `turnctl relay start` brings it back");
  add("drain", "Move clients away from a relay, which goes on for those who stay.", &Control::drain,
      "drains; `turnctl relay start` brings it back");
  add("start", "Let a stopped or draining relay serve again.", &Control::start, "is starting");
}

}  // namespace turnkeeper::cli
