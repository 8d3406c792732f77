#include "monitor/run/flags.hpp"

#include <CLI/CLI.hpp>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/version.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr const char* examples = R"(
Examples:
  turnkeeper-monitor --config monitor.yaml                      watch what the file says; SIGHUP reads it again
  turnkeeper-monitor --config monitor.yaml --check-config       only say what is wrong with it
  turnkeeper-monitor --config monitor.yaml --once               probe everything once; exit code 0: all is well,
                                                                1: something is not, 2: nothing could be tried
  turnkeeper-monitor --config monitor.yaml --once --json | jq   the same for scripts
  turnkeeper-monitor --config monitor.yaml --test-notification on-call
  turnkeeper-monitor --operator turnkeeper-operator:8443 --tls-cert tls.crt --tls-key tls.key --tls-ca ca.crt)";

}  // namespace

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
  auto* ice_grpc = app.add_option("--ice-grpc-listen", flags.ice_grpc_listen,
                                  "Where application servers ask over gRPC (turnkeeper.v1.Ice)")
                       ->type_name("HOST:PORT")
                       ->group(serving);
  auto* ice_grpc_certificate = app.add_option("--ice-grpc-tls-cert", flags.ice_grpc_tls_certificate,
                                              "Serve them over TLS with this certificate (PEM), followed as it changes")
                                   ->type_name("FILE")
                                   ->needs(ice_grpc)
                                   ->group(serving);
  auto* ice_grpc_key = app.add_option("--ice-grpc-tls-key", flags.ice_grpc_tls_key, "Its key (PEM)")
                           ->type_name("FILE")
                           ->needs(ice_grpc_certificate)
                           ->group(serving);
  ice_grpc_certificate->needs(ice_grpc_key);
  auto* certificate = app.add_option("--tls-listen-cert", flags.tls_listen_certificate,
                                     "Serve HTTPS there with this certificate (PEM), which may be renewed on disk")
                          ->type_name("FILE")
                          ->group(serving);
  auto* key = app.add_option("--tls-listen-key", flags.tls_listen_key, "Its key (PEM)")
                  ->type_name("FILE")
                  ->needs(certificate)
                  ->group(serving);
  certificate->needs(key);
  app.add_option("--max-connections", flags.max_connections, "Clients at the same time; one that is idle makes room")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->group(serving);
  app.add_option("--max-connections-per-address", flags.max_connections_per_address,
                 "Of one client address, which may be a proxy's; default: half of all")
      ->check(CLI::Range(1, 1'000'000))
      ->group(serving);
  app.add_flag("--audit", flags.audit, "Log each issue of credentials; --audit=false does not")
      ->capture_default_str()
      ->group(serving);
  auto* region_header = app.add_option("--region-header", flags.region_header,
                                       "A header that says where a client is, set by a proxy, such as CF-IPCountry")
                            ->type_name("NAME")
                            ->group(serving);
  app.add_option("--region-map", flags.region_map, "A region for a value of that header; may be given several times")
      ->type_name("VALUE=REGION")
      ->needs(region_header)
      ->group(serving);
  app.add_option("--state", flags.state_file, "Keep the relays' history here, so that a restart does not erase it")
      ->type_name("FILE")
      ->group(serving);

  declare_access(app, flags.access);

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

Result<void> configure_log(const Flags& flags) {
  const auto level = log::parse_level(flags.log_level);
  if (!level) return fail(level.error());
  const auto format = log::parse_format(flags.log_format);
  if (!format) return fail(format.error());
  log::configure(*level, *format);
  return {};
}

}  // namespace turnkeeper::monitor
