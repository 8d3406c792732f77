// turnkeeper-agent: runs beside coturn in the relay's container, whatever image that is.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "agent/init.hpp"
#include "agent/install.hpp"
#include "agent/relay_agent.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"

namespace {

using namespace turnkeeper;

int report(const Result<>& result) {
  if (result) return 0;
  std::cerr << "turnkeeper-agent: " << result.error().text() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Turnkeeper's relay agent: configures, runs and drains the coturn beside it.", "turnkeeper-agent");
  app.set_version_flag("--version", std::string(version()));
  app.require_subcommand(1);

  std::string install_path;
  auto* install = app.add_subcommand("install", "Copy this program to PATH (mode 0755), for the init container.");
  install->add_option("PATH", install_path, "where to; its directory must exist")->required();

  agent::RunOptions options{.config_path = "/etc/turnkeeper/relay/relay.json",
                            .keys_path = "/etc/turnkeeper/keys/keys.json",
                            .state_directory = "/var/lib/turnkeeper",
                            .address = "",
                            .listen = "0.0.0.0:9642"};
  std::string log_level = "info";
  std::string log_format = "logfmt";
  auto* run = app.add_subcommand(
      "run",
      "Run coturn: configure it for its version, keep it running and its signing keys current, serve /readyz,\n"
      "/healthz and /metrics, drain it on SIGTERM. As PID 1 it also reaps orphans.");
  run->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run->add_option("--config", options.config_path, "relay.json: realm, ports, limits, peers, transports")
      ->capture_default_str();
  run->add_option("--keys", options.keys_path, "keys.json: the signing keys; changes are taken up within 2 s")
      ->capture_default_str();
  run->add_option("--state", options.state_directory, "a writable directory, for coturn's configuration and database")
      ->capture_default_str();
  run->add_option("--address", options.address, "the relay's IP address: coturn listens there and relays from there")
      ->required();
  run->add_option("--listen", options.listen, "where to serve /readyz, /healthz and /metrics")->capture_default_str();
  run->add_option("--turnserver", options.turnserver, "coturn's program: a path, or a name in PATH")
      ->capture_default_str();
  run->add_option("--drain-timeout", options.drain_timeout,
                  "after SIGTERM, how long to wait for the last allocation: seconds, or with s, m or h")
      ->transform(CLI::AsNumberWithUnit(std::map<std::string, int>{{"s", 1}, {"m", 60}, {"h", 3600}}))
      ->default_str("1h");
  run->add_option("--log-level", log_level, "debug, info, warn or error")->capture_default_str();
  run->add_option("--log-format", log_format, "logfmt or json")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }

  if (install->parsed()) return report(agent::install(install_path));

  const auto level = log::parse_level(log_level);
  if (!level) return report(fail(level.error()));
  const auto format = log::parse_format(log_format);
  if (!format) return report(fail(format.error()));
  agent::become_init_if_first();
  log::configure(*level, *format);
  const StopSignal stop;
  return report(agent::run(options, stop.token()));
}
