// turnkeeper-monitor: watches TURN relays by using them, and moves clients off those that stop working.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <optional>

#include "monitor/config/monitor_config.hpp"
#include "monitor/exchange/exchange.hpp"
#include "monitor/notify/notifier.hpp"
#include "monitor/run/once.hpp"
#include "monitor/run/standalone.hpp"
#include "monitor/service/service.hpp"
#include "monitor/target/fleet_proto.hpp"
#include "monitor/target/operator_link.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

struct Flags {
  std::string config;
  bool check_config = false;
  bool once = false;
  bool json = false;
  std::string test_notification;
  std::string state_file;
  std::string operator_address;
  std::string cluster;
  std::string tls_certificate, tls_key, tls_authority;
  bool insecure_grpc = false;
  std::string snapshot;
  std::string exchange_listen;
  std::vector<std::string> exchange_peers;
  std::string exchange_peers_dns;
  std::string listen = "127.0.0.1:8480";
  std::string vantage;
  std::string api_key_file;
  bool allow_anonymous = false;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

constexpr int exit_bad = 1;    // something is wrong with a relay, or this monitor cannot run
constexpr int exit_usage = 2;  // of --once and --test-notification: nothing was tried

constexpr const char* examples = R"(
Examples:
  turnkeeper-monitor --config monitor.yaml                      watch what the file says; SIGHUP reads it again
  turnkeeper-monitor --config monitor.yaml --check-config       only say what is wrong with it
  turnkeeper-monitor --config monitor.yaml --once               probe everything once; exit code 0: all is well,
                                                                1: something is not, 2: nothing could be tried
  turnkeeper-monitor --config monitor.yaml --once --json | jq   the same for scripts
  turnkeeper-monitor --config monitor.yaml --test-notification on-call
  turnkeeper-monitor --operator turnkeeper-operator:8443 --tls-cert tls.crt --tls-key tls.key --tls-ca ca.crt)";

void declare(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", std::string("turnkeeper-monitor ") + std::string(version()));
  app.footer(examples);
  const std::string what = "What to watch";
  auto* config = app.add_option("--config", flags.config, "monitor.yaml: the TURN servers to watch")
                     ->type_name("FILE")
                     ->group(what);
  auto* address = app.add_option("--operator", flags.operator_address, "Watch what this operator says")
                      ->type_name("HOST:PORT")
                      ->excludes(config)
                      ->group(what);
  app.add_option("--cluster", flags.cluster, "Watch this TurnCluster of the operator's alone")
      ->type_name("NAMESPACE/NAME")
      ->needs(address)
      ->group(what);
  app.add_option("--snapshot", flags.snapshot, "Targets to start from while the operator is away")
      ->type_name("FILE")
      ->needs(address)
      ->group(what);
  app.add_option("--vantage", flags.vantage, "The name of the place that this monitor sees from")
      ->type_name("NAME")
      ->group(what);

  const std::string instead = "Instead of watching";
  app.add_flag("--check-config", flags.check_config, "Read the configuration, say what is wrong with it, and end")
      ->group(instead);
  auto* once = app.add_flag("--once", flags.once, "Probe every address of every relay once, and end")
                   ->needs(config)
                   ->group(instead);
  app.add_flag("--json", flags.json, "Print JSON and no table")->needs(once)->group(instead);
  app.add_option("--test-notification", flags.test_notification, "Send one message to this receiver, and end")
      ->type_name("NAME")
      ->needs(config)
      ->group(instead);

  const std::string serving = "Serving";
  app.add_option("--listen", flags.listen, "Where to serve HTTP")
      ->type_name("HOST:PORT")
      ->capture_default_str()
      ->group(serving);
  app.add_option("--api-key-file", flags.api_key_file, "What clients of /v1/* send as Authorization: Bearer KEY")
      ->type_name("FILE")
      ->group(serving);
  app.add_flag("--allow-anonymous", flags.allow_anonymous, "Give credentials to anybody who asks")->group(serving);
  app.add_option("--state", flags.state_file, "Keep the relays' history here, so that a restart does not erase it")
      ->type_name("FILE")
      ->group(serving);

  const std::string mesh = "Operator and other monitors";
  app.add_option("--tls-cert", flags.tls_certificate, "This monitor's certificate (PEM)")
      ->type_name("FILE")
      ->group(mesh);
  app.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->type_name("FILE")->group(mesh);
  app.add_option("--tls-ca", flags.tls_authority, "Who signs the operator's and the other monitors' certificates (PEM)")
      ->type_name("FILE")
      ->group(mesh);
  app.add_flag("--insecure-grpc", flags.insecure_grpc,
               "Talk to the operator and to other monitors in the clear: for development only")
      ->group(mesh);
  auto* exchange = app.add_option("--exchange-listen", flags.exchange_listen,
                                  "Judge together with other monitors, which connect here")
                       ->type_name("HOST:PORT")
                       ->group(mesh);
  app.add_option("--exchange-peer", flags.exchange_peers, "Another monitor to connect to; may be given several times")
      ->type_name("HOST:PORT")
      ->needs(exchange)
      ->group(mesh);
  app.add_option("--exchange-peers-dns", flags.exchange_peers_dns,
                 "A name of which each address is another monitor; looked up every 10 s")
      ->type_name("NAME:PORT")
      ->needs(exchange)
      ->group(mesh);

  const std::string logs = "Logs";
  app.add_option("--log-level", flags.log_level, "debug, info, warn or error")->capture_default_str()->group(logs);
  app.add_option("--log-format", flags.log_format, "logfmt or json")->capture_default_str()->group(logs);
}

int complain(const std::string& text) {
  std::cerr << "turnkeeper-monitor: " << text << '\n';
  return exit_bad;
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
  return fail("--operator and --exchange-listen need --tls-cert, --tls-key and --tls-ca",
              "give all three, or --insecure-grpc");
}

Exchange::Options exchange_options(const Flags& flags, const std::optional<OperatorLink::Tls>& tls) {
  Exchange::Options options{
      .listen = flags.exchange_listen, .peers = flags.exchange_peers, .peers_dns = flags.exchange_peers_dns};
  if (tls) options.tls = Exchange::Tls{tls->certificate, tls->key, tls->authority};
  return options;
}

// What is known at the start.
struct Targets {
  std::string vantage = "local";
  std::optional<MonitorConfig> config;
  std::set<std::string> files;  // that the config depends on
  std::optional<Fleet> fleet;   // of the snapshot
};

int probe_all_once(const Flags& flags, MonitorConfig config) {
  if (!flags.vantage.empty()) config.vantage = flags.vantage;
  const auto rows = probe_once(config, ::isatty(STDERR_FILENO) == 1 ? &std::cerr : nullptr);
  std::cout << (flags.json ? once_json(rows) : once_table(rows)) << std::flush;
  return all_good(rows) ? 0 : exit_bad;
}

int test_notification(const Flags& flags, const MonitorConfig& config) {
  const auto receiver = std::ranges::find(config.receivers, flags.test_notification, &Receiver::name);
  if (receiver == config.receivers.end()) {
    std::string names;
    for (const auto& one : config.receivers) names += (names.empty() ? "" : ", ") + one.name;
    complain("there is no receiver \"" + flags.test_notification + "\"; " +
             (names.empty() ? "list some under notifications: in " + flags.config : "choose one of " + names));
    return exit_usage;
  }
  const auto sent = send_test_notification(*receiver, {.vantage = config.vantage, .status_url = config.status_url},
                                           real_clock(), Deadline::after(real_clock(), std::chrono::seconds(20)));
  if (!sent) return complain(receiver->name + ": " + sent.error().text());
  std::cout << receiver->name << " has accepted the message\n";
  return 0;
}

Result<Service::Options> service_options(const Flags& flags, const Targets& targets,
                                         const std::optional<OperatorLink::Tls>& tls) {
  Service::Options options{.listen = flags.listen,
                           .vantage = targets.vantage,
                           .allow_anonymous = flags.allow_anonymous,
                           .state_file = flags.state_file};
  if (!flags.api_key_file.empty()) {
    auto key = Secret::from_file(flags.api_key_file);
    if (!key) return fail(key.error());
    if (key->empty()) return fail("--api-key-file " + flags.api_key_file + " is empty", "write the key into it");
    options.api_key = std::move(*key);
  }
  if (targets.config) options.status_url = targets.config->status_url;
  if (!flags.exchange_listen.empty()) {
    options.exchange = exchange_options(flags, tls);
  } else if (targets.config && targets.config->exchange) {
    options.exchange = exchange_options(*targets.config->exchange);
  }
  return options;
}

// Until a signal. Everything that may be wrong with the flags was found before.
int watch(const Flags& flags, Targets targets, const Service::Options& options,
          const std::optional<OperatorLink::Tls>& tls) {
  StopSignal stop;  // before gRPC starts its threads
  boost::asio::io_context io(1);
  boost::asio::signal_set hangup(io, SIGHUP);
  auto service = Service::start(io, options);
  if (!service) return complain(service.error().text());
  log::info("listening", {{"address", (*service)->address()}, {"vantage", targets.vantage}, {"version", version()}});
  if (options.exchange) log::info("other monitors connect to", {{"address", (*service)->exchange_address()}});
  if (targets.fleet) (*service)->set_fleet(std::move(*targets.fleet));

  std::optional<Standalone> standalone;
  if (targets.config) {
    standalone.emplace(io, **service, flags.config, std::move(*targets.config), std::move(targets.files));
  }
  std::function<void()> wait_for_hangup = [&] {
    hangup.async_wait([&](const boost::system::error_code& error, int) {
      if (error) return;
      if (standalone) standalone->reload();
      wait_for_hangup();
    });
  };
  wait_for_hangup();

  std::unique_ptr<OperatorLink> link;
  if (!flags.operator_address.empty()) {
    auto started = OperatorLink::start(
        {.address = flags.operator_address, .vantage = targets.vantage, .cluster = flags.cluster, .tls = tls},
        [&](Fleet fleet) { (*service)->set_fleet(std::move(fleet)); });
    if (!started) return complain(started.error().text());
    link = std::move(*started);
    (*service)->on_health([&](std::vector<RelayHealth> relays) { link->report(std::move(relays)); });
    (*service)->show_operator([&] { return link->connected(); });
  }

  const std::stop_callback wake(stop.token(), [&] {
    boost::asio::post(io, [&] {
      log::info("stopping");
      (*service)->stop([&] { io.stop(); });
    });
  });
  io.run();
  (*service)->show_operator({});
  standalone.reset();
  link.reset();
  return 0;
}

int run(const Flags& flags) {
  const int cannot = flags.once || !flags.test_notification.empty() ? exit_usage : exit_bad;
  if (auto configured = configure_log(flags); !configured) {
    complain(configured.error().text());
    return cannot;
  }
  if (flags.config.empty() == flags.operator_address.empty()) {
    return complain("nothing to watch; give --config FILE or --operator HOST:PORT");
  }

  Targets targets;
  if (!flags.config.empty()) {
    auto config = load_monitor_config(flags.config, &targets.files);
    if (!config) {
      std::cerr << api::problems_text(config.error(), flags.config) << '\n';
      return cannot;
    }
    targets.vantage = config->vantage;
    targets.config = std::move(*config);
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
  if (flags.once) return probe_all_once(flags, std::move(*targets.config));
  if (!flags.test_notification.empty()) return test_notification(flags, *targets.config);

  std::optional<OperatorLink::Tls> tls;
  if (!flags.operator_address.empty() || !flags.exchange_listen.empty()) {
    auto files = tls_files(flags);
    if (!files) return complain(files.error().text());
    tls = std::move(*files);
  }
  const auto options = service_options(flags, targets, tls);
  if (!options) return complain(options.error().text());
  if (flags.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  return watch(flags, std::move(targets), *options, tls);
}

}  // namespace
}  // namespace turnkeeper::monitor

int main(int argc, char** argv) {
  // Expositions and snapshots of megabytes come and go. Left to itself, glibc keeps them in its heaps for good: a
  // quarter more memory with a thousand relays.
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
  mallopt(M_ARENA_MAX, 1);
  CLI::App app("Watches TURN relays by using them, without a pause, and moves clients off those that stop working.");
  turnkeeper::monitor::Flags flags;
  turnkeeper::monitor::declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : turnkeeper::monitor::exit_usage;
  }
  return turnkeeper::monitor::run(flags);
}
