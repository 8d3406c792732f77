#include <iostream>

#include "cli/commands.hpp"
#include "turnkeeper/base/version.hpp"

int main(int argc, char** argv) {
  using namespace turnkeeper;
  CLI::App app("TURN relays that keep calls alive: run them here or in Kubernetes, look at them, prove them.",
               "turnctl");
  app.set_version_flag("--version", "turnctl " + std::string(version()));
  app.set_help_all_flag("--help-all", "Help of every command");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Examples:\n"
      "  turnctl up -f cluster.yaml                     run the relays and their monitor on this machine\n"
      "  turnctl relay stop eu-0                        kill one and watch its clients move\n"
      "  turnctl drill                                  the same with a stop watch\n"
      "  turnctl probe turn:192.0.2.1:3478 --secret-file secret\n"
      "  turnctl status calls -n telephony              a TurnCluster in Kubernetes; also: kubectl turn status calls\n"
      "\n`turnctl COMMAND --help` explains each command. The exit code is 0 for success, 1 for failure and 2 for a "
      "wrong command "
      "line.");
  cli::Run run;
  cli::add_up(app, run);
  cli::add_relay(app, run);
  cli::add_ice(app, run);
  cli::add_probe(app, run);
  cli::add_drill(app, run);
  cli::add_validate(app, run);
  cli::add_status(app, run);
  cli::add_rotate(app, run);
  cli::add_api_key(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string message = error.what();
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
    std::string command = app.get_name();
    for (const auto* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      command += ' ' + at->get_name();
    }
    std::cerr << "turnctl: " << message << "; see `" << command << " --help`\n";
    return 2;
  }
  const auto done = run();
  if (done) return 0;
  std::cout << std::flush;
  std::cerr << done.error().text() << '\n';
  return 1;
}
