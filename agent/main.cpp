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
                            .tls_directory = "/etc/turnkeeper/tls",
                            .state_directory = "/var/lib/turnkeeper",
                            .address = "",
                            .listen = "0.0.0.0:9642",
                            .termination_log = "/dev/termination-log"};
  const auto duration = CLI::AsNumberWithUnit(std::map<std::string, int>{{"s", 1}, {"m", 60}, {"h", 3600}});
  std::string log_level = "info";
  std::string log_format = "logfmt";
  auto* run = app.add_subcommand(
      "run",
      "Run coturn: configure it for its version, keep it running and its signing keys and certificate current, serve\n"
      "/readyz, /healthz, /metrics and /v1/state, drain it on SIGTERM. As PID 1 it also reaps orphans.");
  run->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  run->add_option("--config", options.config_path, "relay.json: realm, ports, limits, peers, transports, addresses")
      ->capture_default_str();
  run->add_option("--keys", options.keys_path, "keys.json: the signing keys; changes are taken up within 2 s")
      ->capture_default_str();
  run->add_option("--addresses", options.addresses_path,
                  "addresses.json: at which addresses clients reach relays behind NAT; changes are taken up at once");
  run->add_option("--tls", options.tls_directory,
                  "the directory of tls.crt and tls.key, for TLS and DTLS; renewed ones are loaded without a restart")
      ->capture_default_str();
  run->add_option("--state", options.state_directory, "a writable directory, for coturn's configuration and database")
      ->capture_default_str();
  run->add_option("--address", options.address,
                  "the relay's IP address, or one of each family with a comma between: coturn listens there and\n"
                  "relays from there")
      ->required();
  run->add_option("--pod", options.pod, "the relay's name in addresses.json");
  run->add_option("--node", options.node, "the name in addresses.json of the node that it runs on");
  run->add_option("--listen", options.listen, "where to serve /readyz, /healthz, /metrics and /v1/state")
      ->capture_default_str();
  run->add_option("--turnserver", options.turnserver, "coturn's program: a path, or a name in PATH")
      ->capture_default_str();
  run->add_flag("--count-bytes", options.count_bytes,
                "tell sent and received bytes: only right in a network namespace of the relay's own");
  run->add_option("--drain-timeout", options.drain_timeout,
                  "after SIGTERM, how long to wait for the last allocation: seconds, or with s, m or h")
      ->transform(duration)
      ->default_str("1h");
  run->add_option("--liveness-timeout", options.liveness_timeout,
                  "/healthz fails when coturn runs but has answered no Allocate for so long")
      ->transform(duration)
      ->check(CLI::PositiveNumber)
      ->default_str("30s");
  run->add_option("--termination-log", options.termination_log, "where to say how it ended, if that file is there")
      ->capture_default_str();
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
