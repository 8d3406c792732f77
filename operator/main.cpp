// turnkeeper-operator: makes a Kubernetes cluster's TurnClusters real.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <iostream>

#include "operator/controller/controller.hpp"
#include "operator/controller/probes.hpp"
#include "operator/controller/snapshot.hpp"
#include "operator/link/grpc_server.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"
#include "turnkeeper/kube/cpprest_transport.hpp"
#include "turnkeeper/kube/leader_election.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

struct Options {
  std::string namespace_name;
  std::string agent_image;
  std::string grpc_listen = "0.0.0.0:9443";
  TlsFiles tls;
  bool insecure_grpc = false;
  std::string snapshot_secret;
  std::string metrics_listen = "0.0.0.0:8080";
  std::string kubeconfig;
  bool leader_elect = false;
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

void declare(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "turnkeeper-operator " + std::string(version()));
  app.add_option(
         "--namespace", options.namespace_name,
         "Namespace of the operator itself: its Lease and its snapshot Secret (default: the service account's, or "
         "the kubeconfig context's)")
      ->envname("POD_NAMESPACE");
  app.add_option("--agent-image", options.agent_image,
                 "Image that holds /usr/bin/turnkeeper-agent: the operator's own, as a rule")
      ->required();
  app.add_option("--grpc-listen", options.grpc_listen, "HOST:PORT where monitors connect")->capture_default_str();
  app.add_option("--tls-cert", options.tls.certificate,
                 "PEM certificate chain for monitors; read again when it changes");
  app.add_option("--tls-key", options.tls.key, "PEM private key of --tls-cert");
  app.add_option("--tls-ca", options.tls.authority, "PEM authority that signed the monitors' certificates");
  app.add_flag("--insecure-grpc", options.insecure_grpc,
               "Serve monitors in plain text: signing keys cross the network unprotected");
  app.add_option("--snapshot-secret", options.snapshot_secret,
                 "Keep the targets in this Secret, which monitors mount to start without the operator");
  app.add_option("--metrics-listen", options.metrics_listen, "HOST:PORT of /metrics, /healthz and /readyz")
      ->capture_default_str();
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "How to reach the API server (default: KUBECONFIG, else the pod's service account, else ~/.kube/config)");
  app.add_flag("--leader-elect", options.leader_elect, "Write only while holding the Lease turnkeeper-operator");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")->capture_default_str();
  app.add_option("--log-format", options.log_format, "logfmt or json")->capture_default_str();
}

Result<std::optional<TlsFiles>> tls_of(const Options& options) {
  const TlsFiles& tls = options.tls;
  const int given = (tls.certificate.empty() ? 0 : 1) + (tls.key.empty() ? 0 : 1) + (tls.authority.empty() ? 0 : 1);
  if (options.insecure_grpc && given == 0) return std::optional<TlsFiles>();
  if (given == 3 && !options.insecure_grpc) return std::optional<TlsFiles>(tls);
  return fail("monitors need either TLS or plain text",
              "give --tls-cert, --tls-key and --tls-ca together, or --insecure-grpc");
}

std::string identity() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  // A restarted container keeps its host name, but must not take itself for the process before it.
  return std::string(host.data()) + "_" + hex_encode(random_bytes(4));
}

// What runs while this process leads, from the watches to the gRPC server.
class Leadership {
 public:
  Leadership(const Options& options, std::optional<TlsFiles> tls, std::shared_ptr<kube::Transport> transport,
             ReconcileMetrics& metrics, kube::Client::Observer observer)
      : options_(options),
        tls_(std::move(tls)),
        transport_(std::move(transport)),
        metrics_(metrics),
        observer_(std::move(observer)) {}

  // Blocks until stop; an error when it could not start.
  Result<> run(std::stop_token stop) {
    const Clock& clock = real_clock();
    kube::Client client(transport_, stop, observer_);
    TargetBoard targets;
    HealthBoard health(clock, [this](const std::string& cluster) {
      const auto slash = cluster.find('/');
      if (slash != std::string::npos) queue_.add({cluster.substr(0, slash), cluster.substr(slash + 1)});
    });
    auto server = GrpcServer::listen({.address = options_.grpc_listen, .tls = tls_}, targets, health);
    if (!server) return fail(server.error());
    log::info("serving monitors", {{"port", (*server)->port()}, {"tls", tls_ ? "mutual" : "none"}});

    Watches watches(client, clock, [this](const kube::ObjectKey& cluster) { queue_.add(cluster); });
    auto synced = watches.wait_until_synced(stop, Deadline::after(clock, 60s));
    if (stop.stop_requested()) return {};
    if (!synced) return fail(synced.error());
    synced_ = true;

    std::optional<Snapshot> snapshot;
    std::jthread snapshot_thread;
    if (!options_.snapshot_secret.empty()) {
      snapshot.emplace(client, kube::ObjectKey{options_.namespace_name, options_.snapshot_secret}, targets, clock);
      snapshot_thread = std::jthread([&snapshot](std::stop_token ended) { snapshot->run(ended); });
    }
    kube::EventRecorder events(client, {.component = field_manager}, clock);
    Controller controller({client, watches, targets, health, events, clock}, {.agent_image = options_.agent_image},
                          queue_, metrics_);
    log::info("watching TurnClusters", {{"version", version()}});
    controller.run(stop);
    if (snapshot_thread.joinable()) {
      snapshot_thread.request_stop();
      snapshot_thread.join();
    }
    return {};
  }

  [[nodiscard]] bool synced() const { return synced_; }
  [[nodiscard]] ReconcileMetrics::QueueState queue_state() const { return {queue_.depth(), queue_.in_work()}; }

 private:
  const Options& options_;
  const std::optional<TlsFiles> tls_;
  const std::shared_ptr<kube::Transport> transport_;
  ReconcileMetrics& metrics_;
  const kube::Client::Observer observer_;
  kube::WorkQueue<kube::ObjectKey> queue_{real_clock(), &metrics_};
  std::atomic<bool> synced_ = false;
};

// Is there an API server that knows us and our kind? Asked once, so that a mistake ends the start with one line.
Result<> check_api(kube::Client& client) {
  auto listed = client.list(turn_clusters, {}, {}, Deadline::after(real_clock(), 15s));
  if (listed) return {};
  if (listed.error().kind == kube::ErrorKind::not_found) {
    return fail("the API server does not know " + turn_clusters.plural + "." + turn_clusters.group,
                "install it: kubectl apply -f crds/turnclusters.yaml");
  }
  return fail(turnkeeper::Error(listed.error()));
}

Result<> run(Options options) {
  const auto level = log::parse_level(options.log_level);
  if (!level) return fail(level.error().within("--log-level"));
  const auto format = log::parse_format(options.log_format);
  if (!format) return fail(format.error().within("--log-format"));
  log::configure(*level, *format);
  auto tls = tls_of(options);
  if (!tls) return fail(tls.error());
  if (*tls) {
    if (auto ok = check_tls_files(**tls); !ok) return ok;
  }

  StopSignal stop;
  const Clock& clock = real_clock();
  auto config = kube::load_config({.kubeconfig_flag = options.kubeconfig}, kube::Environment::of_process());
  if (!config) return fail(config.error());
  if (options.namespace_name.empty()) options.namespace_name = config->namespace_name;
  if (options.namespace_name.empty() && (options.leader_elect || !options.snapshot_secret.empty())) {
    return fail("the operator does not know its own namespace", "give --namespace, or set POD_NAMESPACE");
  }
  auto transport = kube::connect(*config, clock);
  if (!transport) return fail(transport.error());

  ReconcileMetrics metrics;
  const std::string host = config->server.substr(config->server.find("://") + 3);
  const auto observer = [&](int status, const std::string& method) { metrics.requested(status, method, host); };
  // Outlives the stop: the lease is released with it.
  kube::Client client(*transport, {}, observer);
  if (auto ok = check_api(client); !ok) return ok;

  Leadership leadership(options, *tls, *transport, metrics, observer);
  kube::LeaderElection election(
      client, {.lease = {options.namespace_name, "turnkeeper-operator"}, .identity = identity()}, clock);
  auto probes = Probes::listen(
      options.metrics_listen,
      {.healthy = [&]() -> Result<> {
         if (!election.healthy()) return fail("the lease could not be renewed");
         return {};
       },
       // A standby is ready too: otherwise a rolling update would wait for ever for the lease of the pod it replaces.
       .ready = [&]() -> Result<> {
         const bool standby = options.leader_elect && !election.leading();
         if (!standby && !leadership.synced()) return fail("still reading the cluster's state");
         return {};
       },
       .metrics =
           [&] {
             if (options.leader_elect) metrics.leading("turnkeeper-operator", election.leading());
             return metrics.text(leadership.queue_state());
           }});
  if (!probes) return fail(probes.error());
  log::info("serving probes and metrics", {{"address", (*probes)->address()}});

  if (!options.leader_elect) return leadership.run(stop.token());
  Result<> led;
  const bool released = election.run(stop.token(), [&](std::stop_token ended) {
    led = leadership.run(std::move(ended));
    stop.request_stop();
  });
  if (!led) return led;
  if (!released) return fail("the lease is lost", "another operator leads now; this one starts again as its standby");
  return {};
}

}  // namespace
}  // namespace turnkeeper::op

int main(int argc, char** argv) {
  CLI::App app("Makes TurnClusters real: coturn relays in several regions, watched by monitors.",
               "turnkeeper-operator");
  turnkeeper::op::Options options;
  turnkeeper::op::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::cerr << "turnkeeper-operator: " << error.what() << "; see turnkeeper-operator --help\n";
    return 1;
  }
  const auto result = turnkeeper::op::run(std::move(options));
  if (result) return 0;
  std::cerr << "turnkeeper-operator: " << result.error().text() << '\n';
  return 1;
}
