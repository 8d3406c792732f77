// turnkeeper-monitor: watches TURN relays by using them, and moves clients off those that stop working.
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <iostream>
#include <optional>

#include "monitor/service/service.hpp"
#include "monitor/target/fleet_proto.hpp"
#include "monitor/target/monitor_config.hpp"
#include "monitor/target/operator_link.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

struct Flags {
  std::string config;
  bool check_config = false;
  std::string operator_address;
  std::string tls_certificate, tls_key, tls_authority;
  bool insecure_grpc = false;
  std::string snapshot;
  std::string listen = "127.0.0.1:8480";
  std::string vantage;
  std::string api_key_file;
  bool allow_anonymous = false;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

void declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("turnkeeper-monitor ") + std::string(version()));
  auto* config = app.add_option("--config", flags.config, "monitor.yaml: the TURN servers to watch")->type_name("FILE");
  app.add_flag("--check-config", flags.check_config, "Read the configuration, say what is wrong with it, and end");
  auto* address = app.add_option("--operator", flags.operator_address, "Watch what this operator says")
                      ->type_name("HOST:PORT")
                      ->excludes(config);
  app.add_option("--tls-cert", flags.tls_certificate, "This monitor's certificate (PEM)")->type_name("FILE");
  app.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->type_name("FILE");
  app.add_option("--tls-ca", flags.tls_authority, "Who signs the operator's certificate (PEM)")->type_name("FILE");
  app.add_flag("--insecure-grpc", flags.insecure_grpc, "Talk to the operator in the clear: for development only");
  app.add_option("--snapshot", flags.snapshot, "Targets to start from while the operator is away")
      ->type_name("FILE")
      ->needs(address);
  app.add_option("--listen", flags.listen, "Where to serve HTTP")->type_name("HOST:PORT")->capture_default_str();
  app.add_option("--vantage", flags.vantage, "The name of the place that this monitor sees from")->type_name("NAME");
  app.add_option("--api-key-file", flags.api_key_file, "What clients of /v1/* send as Authorization: Bearer KEY")
      ->type_name("FILE");
  app.add_flag("--allow-anonymous", flags.allow_anonymous, "Give credentials to anybody who asks");
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")->capture_default_str();
  app.add_option("--log-format", flags.log_format, "logfmt or json")->capture_default_str();
}

int complain(const std::string& text) {
  std::cerr << "turnkeeper-monitor: " << text << '\n';
  return 1;
}

Result<void> configure_log(const Flags& flags) {
  const auto level = log::parse_level(flags.log_level);
  if (!level) return fail(level.error());
  const auto format = log::parse_format(flags.log_format);
  if (!format) return fail(format.error());
  log::configure(*level, *format);
  return {};
}

Result<std::optional<OperatorLink::Tls>> tls_files(const Flags& flags) {
  const int given = !flags.tls_certificate.empty() + !flags.tls_key.empty() + !flags.tls_authority.empty();
  if (given == 3) return OperatorLink::Tls{flags.tls_certificate, flags.tls_key, flags.tls_authority};
  if (given == 0 && flags.insecure_grpc) return std::nullopt;
  return fail("--operator needs --tls-cert, --tls-key and --tls-ca", "give all three, or --insecure-grpc");
}

// What is known before the operator has said anything.
struct Targets {
  std::string vantage = "local";
  std::optional<Fleet> fleet;
};

int run(const Flags& flags) {
  if (auto configured = configure_log(flags); !configured) return complain(configured.error().text());
  if (flags.config.empty() == flags.operator_address.empty()) {
    return complain("nothing to watch; give --config FILE or --operator HOST:PORT");
  }

  Targets targets;
  if (!flags.config.empty()) {
    auto config = load_monitor_config(flags.config);
    if (!config) {
      std::cerr << api::problems_text(config.error(), flags.config) << '\n';
      return 1;
    }
    targets = {std::move(config->vantage), std::move(config->fleet)};
  } else if (!flags.snapshot.empty()) {
    // The snapshot is there for when the operator is not; without it the stream is waited for.
    if (auto fleet = load_snapshot(flags.snapshot)) {
      targets.fleet = std::move(*fleet);
    } else if (flags.check_config) {
      return complain(fleet.error().text());
    } else {
      log::warn("starting without a snapshot", {{"error", fleet.error().text()}});
    }
  }
  if (!flags.vantage.empty()) targets.vantage = flags.vantage;

  Service::Options options{
      .listen = flags.listen, .vantage = targets.vantage, .allow_anonymous = flags.allow_anonymous};
  if (!flags.api_key_file.empty()) {
    auto key = Secret::from_file(flags.api_key_file);
    if (!key) return complain(key.error().text());
    if (key->empty()) return complain("--api-key-file " + flags.api_key_file + " is empty; write the key into it");
    options.api_key = std::move(*key);
  }
  std::optional<OperatorLink::Tls> tls;
  if (!flags.operator_address.empty()) {
    auto files = tls_files(flags);
    if (!files) return complain(files.error().text());
    tls = std::move(*files);
  }
  if (flags.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }

  StopSignal stop;  // before gRPC starts its threads
  boost::asio::io_context io(1);
  auto service = Service::start(io, std::move(options));
  if (!service) return complain(service.error().text());
  log::info("listening", {{"address", (*service)->address()}, {"vantage", targets.vantage}, {"version", version()}});
  if (targets.fleet) (*service)->set_fleet(std::move(*targets.fleet));

  std::unique_ptr<OperatorLink> link;
  if (!flags.operator_address.empty()) {
    auto started = OperatorLink::start({.address = flags.operator_address, .vantage = targets.vantage, .tls = tls},
                                       [&](Fleet fleet) { (*service)->set_fleet(std::move(fleet)); });
    if (!started) return complain(started.error().text());
    link = std::move(*started);
    (*service)->on_health([&](std::vector<RelayHealth> relays) { link->report(std::move(relays)); });
  }

  const std::stop_callback wake(stop.token(), [&] {
    boost::asio::post(io, [&] {
      log::info("stopping");
      (*service)->stop([&] { io.stop(); });
    });
  });
  io.run();
  link.reset();
  return 0;
}

}  // namespace
}  // namespace turnkeeper::monitor

int main(int argc, char** argv) {
  CLI::App app("Watches TURN relays by using them, without a pause, and moves clients off those that stop working.");
  turnkeeper::monitor::Flags flags;
  turnkeeper::monitor::declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  return turnkeeper::monitor::run(flags);
}
