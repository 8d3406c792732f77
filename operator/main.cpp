// turnkeeper-operator: makes a Kubernetes cluster's TurnClusters real.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <iostream>

#include "operator/certificates/keeper.hpp"
#include "operator/controller/controller.hpp"
#include "operator/controller/kinds.hpp"
#include "operator/controller/probes.hpp"
#include "operator/controller/snapshot.hpp"
#include "operator/dry_run/dry_run.hpp"
#include "operator/link/grpc_server.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/base/read_file.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"
#include "turnkeeper/kube/http_transport.hpp"
#include "turnkeeper/kube/leader_election.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;

struct Options {
  std::string namespace_name;
  std::string agent_image;
  std::string grpc_listen = "0.0.0.0:9443";
  MutualTls tls;
  std::string issue_tls;
  std::vector<std::string> tls_names;
  std::string tls_directory = "/run/turnkeeper/tls";
  bool insecure_grpc = false;
  std::string snapshot_secret;
  VantageSettings vantages;
  std::string monitor_tls_secret;
  std::string monitor_authorities;
  std::string metrics_listen = "0.0.0.0:8080";
  std::string kubeconfig;
  bool leader_elect = false;
  int workers = 4;
  int deletion_patience = 300;
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
                 "Image that holds /usr/bin/turnkeeper-agent: the operator's own, as a rule; needed");
  app.add_option("--grpc-listen", options.grpc_listen, "HOST:PORT where monitors connect")->capture_default_str();
  app.add_option("--tls-cert", options.tls.certificate,
                 "PEM certificate chain for monitors; read again when it changes");
  app.add_option("--tls-key", options.tls.key, "PEM private key of --tls-cert");
  app.add_option("--tls-ca", options.tls.authority, "PEM authority that signed the monitors' certificates");
  app.add_option("--issue-tls", options.issue_tls,
                 "Issue and renew the certificates of operator and monitors: in the Secrets NAME-authority, "
                 "NAME-operator-tls and NAME-monitor-tls, for the Service NAME-operator; and one for each monitor of "
                 "--monitor-operator-address")
      ->type_name("NAME");
  app.add_option("--tls-name", options.tls_names,
                 "Another DNS name or address by which monitors reach the operator, for --issue-tls; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--tls-dir", options.tls_directory, "Where --issue-tls puts the operator's own, as files")
      ->capture_default_str();
  app.add_flag("--insecure-grpc", options.insecure_grpc,
               "Serve monitors in plain text: signing keys cross the network unprotected");
  app.add_option("--snapshot-secret", options.snapshot_secret,
                 "Keep the targets in this Secret, which monitors mount to start without the operator");
  app.add_option("--monitor-operator-address", options.vantages.operator_address,
                 "How monitors in other Kubernetes clusters reach --grpc-listen, as HOST:PORT. With it, one is run in "
                 "each region that asks for it and in each other Kubernetes cluster where relays are");
  app.add_option("--monitor-exchange-peer", options.vantages.exchange_peer,
                 "HOST:PORT where the other monitors listen for these (their --exchange-listen), to judge together");
  app.add_option("--monitor-tls-secret", options.monitor_tls_secret,
                 "Secret in the operator's namespace with one certificate for all of these monitors: ca.crt, tls.crt "
                 "and tls.key. With --issue-tls there is none: each gets a certificate of its own, with which it is "
                 "told of its own TurnCluster alone");
  app.add_option("--monitor-authorities", options.monitor_authorities,
                 "PEM file of private authorities that these monitors trust besides the public ones when they probe "
                 "relays over TLS and DTLS; read at the start")
      ->type_name("FILE");
  app.add_option("--metrics-listen", options.metrics_listen, "HOST:PORT of /metrics, /healthz and /readyz")
      ->capture_default_str();
  app.add_option(
      "--kubeconfig", options.kubeconfig,
      "How to reach the API server (default: KUBECONFIG, else the pod's service account, else ~/.kube/config)");
  app.add_flag("--leader-elect", options.leader_elect, "Write only while holding the Lease turnkeeper-operator");
  app.add_option("--deletion-patience", options.deletion_patience,
                 "Seconds that the deletion of a TurnCluster waits for other Kubernetes clusters that do not answer")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  app.add_option("--workers", options.workers, "How many TurnClusters are worked on at once")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")->capture_default_str();
  app.add_option("--log-format", options.log_format, "logfmt or json")->capture_default_str();
}

Result<std::optional<MutualTls>> tls_of(const Options& options) {
  const MutualTls& tls = options.tls;
  const int given = (tls.certificate.empty() ? 0 : 1) + (tls.key.empty() ? 0 : 1) + (tls.authority.empty() ? 0 : 1);
  const bool issued = !options.issue_tls.empty();
  if (options.insecure_grpc && given == 0 && !issued) return std::optional<MutualTls>();
  if (given == 3 && !options.insecure_grpc && !issued) return std::optional<MutualTls>(tls);
  if (issued && given == 0 && !options.insecure_grpc) {
    const std::string& directory = options.tls_directory;
    return std::optional<MutualTls>({directory + "/tls.crt", directory + "/tls.key", directory + "/ca.crt"});
  }
  return fail("monitors need either TLS or plain text",
              "give --issue-tls, or --tls-cert, --tls-key and --tls-ca together, or --insecure-grpc");
}

// The Secret in the operator's namespace that the certificates of vantages are made from; empty: there is none.
std::string vantages_certified_by(const Options& options) {
  return options.issue_tls.empty() ? options.monitor_tls_secret : options.issue_tls + "-authority";
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
  Leadership(const Options& options, std::optional<MutualTls> tls, std::shared_ptr<kube::Transport> transport,
             ReconcileMetrics& metrics, std::function<void(int, const std::string&)> observer)
      : options_(options),
        tls_(std::move(tls)),
        transport_(std::move(transport)),
        metrics_(metrics),
        observer_(std::move(observer)) {}

  // Blocks until stop; an error when it could not start. `leads`: does it still?
  Result<> run(std::stop_token stop, std::function<bool()> leads) {
    const Clock& clock = real_clock();
    const kube::Client::Options writing{.observer = observer_, .may_write = leads};
    kube::Client client(transport_, stop, writing);
    TargetBoard targets;
    HealthBoard health(clock, [this](const std::string& cluster) {
      const auto slash = cluster.find('/');
      if (slash != std::string::npos) queue_.add({cluster.substr(0, slash), cluster.substr(slash + 1)});
    });
    std::optional<CertificateKeeper> certificates;
    std::jthread certificates_thread;
    if (!options_.issue_tls.empty()) {
      certificates.emplace(client,
                           CertificateKeeper::Options{options_.namespace_name, options_.issue_tls, options_.tls_names,
                                                      options_.tls_directory},
                           clock);
      if (auto kept = certificates->keep(); !kept) return fail(kept.error());
      certificates_thread = std::jthread([&certificates](std::stop_token ended) { certificates->run(ended); });
    }
    auto server = GrpcServer::listen({.address = options_.grpc_listen, .tls = tls_}, targets, health);
    if (!server) return fail(server.error());
    log::info("serving monitors", {{"port", (*server)->port()}, {"tls", tls_ ? "mutual" : "none"}});

    Watches watches(client, clock, writing, [this](const kube::ObjectKey& cluster, bool can_wait) {
      queue_.add_after(cluster, can_wait ? 200ms : 0ms);
    });
    if (const auto secret = vantages_certified_by(options_); !secret.empty()) {
      watches.certify_vantages_by({options_.namespace_name, secret});
    }
    auto synced = watches.wait_until_synced(stop, Deadline::after(clock, 60s));
    if (stop.stop_requested()) return {};
    if (!synced) return fail(turnkeeper::Error(synced.error()));
    synced_ = true;
    // The lists came as JSON values, many times as large as what is kept of them.
    malloc_trim(0);

    std::optional<Snapshot> snapshot;
    std::jthread snapshot_thread;
    if (!options_.snapshot_secret.empty()) {
      snapshot.emplace(client, kube::ObjectKey{options_.namespace_name, options_.snapshot_secret}, targets, clock);
      snapshot_thread = std::jthread([&snapshot](std::stop_token ended) { snapshot->run(ended); });
    }
    kube::EventRecorder events(client, {.component = field_manager}, clock);
    Settings settings{.agent_image = options_.agent_image,
                      .vantage = vantages(),
                      .deletion_patience = std::chrono::seconds(options_.deletion_patience)};
    if (!options_.issue_tls.empty()) {
      settings.vantage_certificate = [&clock](const auto& authority, const auto& vantage, const auto& held) {
        return vantage_certificate(authority, vantage, held, clock.system());
      };
    }
    Controller controller({watches, targets, health, events, metrics_, clock}, std::move(settings), queue_,
                          options_.workers, std::move(leads));
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
  [[nodiscard]] std::optional<VantageSettings> vantages() const {
    if (options_.vantages.operator_address.empty()) return std::nullopt;
    return options_.vantages;
  }

  const Options& options_;
  const std::optional<MutualTls> tls_;
  const std::shared_ptr<kube::Transport> transport_;
  ReconcileMetrics& metrics_;
  const std::function<void(int, const std::string&)> observer_;
  kube::WorkQueue<kube::ObjectKey> queue_{real_clock(), &metrics_};
  std::atomic<bool> synced_ = false;
};

// Is there an API server that knows us and our kind? Asked once, so that a mistake ends the start with one line.
Result<> check_api(kube::Client& client) {
  // By a label that none has: the answer need not hold all of them.
  auto listed =
      client.list(turn_clusters, {}, {.label_selector = "turnkeeper.io/none"}, Deadline::after(real_clock(), 15s));
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
  if (options.agent_image.empty()) return fail("--agent-image is required", "name the operator's own image");
  if (!options.monitor_tls_secret.empty() && !options.issue_tls.empty()) {
    return fail(
        "--monitor-tls-secret and --issue-tls exclude each other",
        "leave out --monitor-tls-secret: with --issue-tls each of those monitors gets a certificate of its own");
  }
  if (!options.vantages.operator_address.empty() && vantages_certified_by(options).empty()) {
    return fail("--monitor-operator-address needs a certificate for those monitors",
                "give --issue-tls, or --monitor-tls-secret");
  }
  if (!options.monitor_authorities.empty()) {
    auto authorities = read_file(options.monitor_authorities);
    if (!authorities) return fail(authorities.error().within("--monitor-authorities"));
    options.vantages.authorities = std::move(*authorities);
  }
  auto tls = tls_of(options);
  if (!tls) return fail(tls.error());
  if (*tls && options.issue_tls.empty()) {
    if (auto ok = check_mutual_tls(**tls); !ok) return fail(ok.error());
  }

  // Threads come and wait, as a rule: an arena for each of them would only hold memory.
  mallopt(M_ARENA_MAX, 2);
  StopSignal stop;
  const Clock& clock = real_clock();
  auto config = kube::load_config({.kubeconfig_flag = options.kubeconfig}, kube::Environment::of_process());
  if (!config) return fail(config.error());
  if (options.namespace_name.empty()) options.namespace_name = config->namespace_name;
  if (options.namespace_name.empty() &&
      (options.leader_elect || !options.snapshot_secret.empty() || !options.issue_tls.empty())) {
    return fail("the operator does not know its own namespace", "give --namespace, or set POD_NAMESPACE");
  }
  auto transport = kube::connect(*config, clock);
  if (!transport) return fail(transport.error());

  ReconcileMetrics metrics;
  const std::string host = config->server.substr(config->server.find("://") + 3);
  const auto observer = [&](int status, const std::string& method) { metrics.requested(status, method, host); };
  // Outlives the stop: the lease is released with it.
  kube::Client client(*transport, {}, {.observer = observer, .may_write = {}});
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

  if (!options.leader_elect) return leadership.run(stop.token(), [] { return true; });
  Result<> led;
  const bool released = election.run(stop.token(), [&](std::stop_token ended) {
    led = leadership.run(std::move(ended), [&] { return election.leading() && election.healthy(); });
    stop.request_stop();
  });
  if (!led) return led;
  if (!released) return fail("the lease is lost", "another operator leads now; this one starts again as its standby");
  return {};
}

// What `turnkeeper-operator plan` is asked.
struct PlanOptions {
  DryRun request;
  std::string output = "diff";
};

CLI::App* declare_plan(CLI::App& app, PlanOptions& options) {
  auto* command = app.add_subcommand(
      "plan",
      "Say what the operator would do for a TurnCluster in a file, and do nothing. The exit code is 0 when that is "
      "nothing, 2 when it is something, 1 for an error.");
  auto& request = options.request;
  command->add_option("-f,--file", request.file, "The TurnCluster, as YAML or JSON")->required();
  command->add_option("-o,--output", options.output, "diff: what would change; yaml: the objects, without secrets")
      ->check(CLI::IsMember({"diff", "yaml"}))
      ->capture_default_str();
  command->add_flag("--offline", request.offline, "Ask no API server: as if nothing were there yet");
  command->add_option("-n,--namespace", request.namespace_name,
                      "Of the TurnCluster (default: the file's, else the kubeconfig context's)");
  command->add_option("--kubeconfig", request.kubeconfig, "How to reach the API server (default: as without `plan`)");
  command->add_option("--agent-image", request.agent_image, "The operator's (default: the one that its relays have)");
  return command;
}

int run_plan(PlanOptions& options) {
  options.request.output = options.output == "yaml" ? DryRun::Output::yaml : DryRun::Output::diff;
  log::configure(log::Level::error, log::Format::logfmt);
  const auto something = dry_run(options.request, std::cout);
  if (something) return *something ? 2 : 0;
  std::cout << std::flush;
  std::cerr << "turnkeeper-operator plan: " << something.error().text() << '\n';
  return 1;
}

}  // namespace
}  // namespace turnkeeper::op

int main(int argc, char** argv) {
  CLI::App app("Makes TurnClusters real: coturn relays in several regions, watched by monitors.",
               "turnkeeper-operator");
  turnkeeper::op::Options options;
  turnkeeper::op::declare(app, options);
  turnkeeper::op::PlanOptions plan_options;
  const auto* plan = turnkeeper::op::declare_plan(app, plan_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    const std::string command = *plan ? "turnkeeper-operator plan" : "turnkeeper-operator";
    std::cerr << command << ": " << error.what() << "; see " << command << " --help\n";
    return 1;
  }
  if (plan->parsed()) return turnkeeper::op::run_plan(plan_options);
  const auto result = turnkeeper::op::run(std::move(options));
  if (result) return 0;
  std::cerr << "turnkeeper-operator: " << result.error().text() << '\n';
  return 1;
}
