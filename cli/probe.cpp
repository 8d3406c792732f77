#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/probe_report.hpp"
#include "cli/run_probe.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::cli {
namespace {

using turn::Uri;

struct ProbeCommand {
  std::string uri;
  std::string secret_file;
  std::string old_secret_file;
  std::string user;
  std::string password_file;
  std::string ca_file;
  std::string relayed_family;
  bool insecure_tls = false;
  bool all_transports = false;
  bool throughput = false;
  bool mtu = false;
  bool checks = false;
  bool as_json = false;
  int count = 1;
  double interval_seconds = 1;
  double timeout_seconds = 5;
};

std::chrono::milliseconds from_seconds(double seconds) {
  return std::chrono::milliseconds(static_cast<long>(seconds * 1000));
}

Result<Secret> read_secret(const std::string& path) {
  auto secret = Secret::from_file(path);
  if (!secret) return fail(secret.error());
  if (secret->empty()) return fail(path + " is empty", "put the secret into it");
  return secret;
}

// The four ways to reach a TURN server on their usual ports, or on the one that the URI names for its own kind.
std::vector<Uri> all_transports(const Uri& uri) {
  std::vector<Uri> uris;
  for (const auto scheme : {Uri::Scheme::turn, Uri::Scheme::turns}) {
    for (const auto transport : {Uri::Transport::udp, Uri::Transport::tcp}) {
      Uri one{.scheme = scheme, .host = uri.host, .transport = transport};
      one.port = scheme == uri.scheme && uri.port ? *uri.port : one.default_port();
      uris.push_back(std::move(one));
    }
  }
  return uris;
}

Result<ProbeRequest> request_of(const ProbeCommand& command) {
  using std::chrono::hours;
  auto uri = probe_uri(command.uri);
  if (!uri) return fail(uri.error());
  ProbeRequest request;
  request.uris = command.all_transports ? all_transports(*uri) : std::vector{std::move(*uri)};
  request.tls = {.ca_file = command.ca_file, .verify = !command.insecure_tls};
  request.timeout = from_seconds(command.timeout_seconds);
  request.interval = from_seconds(command.interval_seconds);
  request.count = command.count;
  request.mtu = command.mtu;
  if (command.throughput) request.throughput.emplace();
  if (command.checks) request.checks.emplace();
  if (command.relayed_family == "ipv4") request.relayed_family = turn::SocketAddress::Family::ipv4;
  if (command.relayed_family == "ipv6") request.relayed_family = turn::SocketAddress::Family::ipv6;

  const bool by_secret = !command.secret_file.empty();
  auto secret = read_secret(by_secret ? command.secret_file : command.password_file);
  if (!secret) return fail(secret.error());
  if (!by_secret) {
    request.credential = {.username = command.user, .password = std::move(*secret)};
    return request;
  }
  const auto user = command.user.empty() ? "turnctl" : command.user;
  const auto now = real_clock().system();
  request.credential = turn::time_limited_credential(*secret, user, now + hours(1));
  if (request.checks) request.checks->expired = turn::time_limited_credential(*secret, user, now - hours(1));
  if (!command.old_secret_file.empty()) {
    const auto old = read_secret(command.old_secret_file);
    if (!old) return fail(old.error());
    request.checks->old_keys.push_back(
        {command.old_secret_file, turn::time_limited_credential(*old, user, now + hours(1))});
  }
  return request;
}

Result<> probe(const ProbeCommand& command) {
  const auto request = request_of(command);
  if (!request) return fail(request.error());
  // One probe speaks for itself; of several, each has its line, and the end is about all of them.
  const bool alone = request->uris.size() * static_cast<std::size_t>(request->count) == 1;
  ProbeSummary summary;
  std::vector<ProbeReport> bad;
  auto results = nlohmann::json::array();
  StopSignal stop;
  const auto done = run_probes(*request, stop.token(), [&](const ProbeReport& report) {
    summary.add(report);
    if (!is_good(report)) bad.push_back(report);
    if (command.as_json) return results.push_back(probe_json(report));
    std::cout << probe_table(report);
    if (is_good(report) || !alone) std::cout << probe_verdict(report) << '\n';
    if (!alone && !probe_advice(report).empty()) std::cout << "  " << probe_advice(report) << '\n';
    std::cout << std::flush;
  });
  if (!done) return fail(done.error());
  if (command.as_json) {
    std::cout << nlohmann::json{{"results", std::move(results)}, {"summary", summary.json()}}.dump(2) << '\n';
  } else if (summary.probes() > 1) {
    std::cout << '\n' << summary.table();
  }
  if (bad.empty() && summary.probes() > 0) return {};
  if (summary.probes() == 0) return fail("stopped before the first probe ended");
  if (summary.probes() == 1) return fail(probe_verdict(bad.front()), probe_advice(bad.front()));
  return fail(std::to_string(bad.size()) + " of " + std::to_string(summary.probes()) +
                  " probes are not good, the first one: " + probe_verdict(bad.front()),
              probe_advice(bad.front()));
}

}  // namespace

void add_probe(CLI::App& app, Run& run) {
  const auto options = std::make_shared<ProbeCommand>();
  auto* command =
      app.add_subcommand("probe", "Use a relay once as a client would: allocate, bind, hear the own echo, release.");
  command->footer("The exit code is 0 when every probe is good, 1 when one is not, 2 for a wrong command line.");
  command->add_option("URI", options->uri, "turn:HOST[:PORT][?transport=udp|tcp] or turns:...")->required();
  auto* secret = command->add_option("--secret-file", options->secret_file,
                                     "File with the relay's shared secret: a time-limited credential is made of it");
  auto* user = command->add_option("--user,--username", options->user,
                                   "The user: as it is with --password-file, else inside the time-limited credential");
  auto* password = command->add_option("--password-file", options->password_file, "File with that user's password");
  command->add_option("--timeout", options->timeout_seconds, "Seconds for each probe")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  command->add_option("--count", options->count, "That many times, with a summary")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--interval", options->interval_seconds, "Seconds from one time to the next")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  command->add_flag("--all-transports", options->all_transports,
                    "UDP, TCP, TLS and DTLS, on the URI's port or the usual ones");
  auto* ca_file = command->add_option("--ca-file", options->ca_file,
                                      "PEM file of the authorities to trust instead of the system's");
  command->add_flag("--insecure-tls", options->insecure_tls, "Take any certificate")->excludes(ca_file);
  command->add_option("--relayed-family", options->relayed_family, "Ask for a relayed address of that family")
      ->check(CLI::IsMember({"ipv4", "ipv6"}));
  command->add_flag("--throughput", options->throughput,
                    "Measure loss and bit rate: 500 packets of 1,200 bytes in a second");
  command->add_flag("--mtu", options->mtu, "Find the largest packet that passes, up to 1,500 bytes (UDP)");
  auto* checks =
      command->add_flag("--checks", options->checks,
                        "Also ask for what must be refused: private and metadata addresses, expired credentials");
  command->add_option("--old-secret-file", options->old_secret_file, "File with a secret that must no longer work")
      ->needs(checks)
      ->needs(secret);
  command->add_flag("--json", options->as_json, "Machine-readable, when all is done");
  secret->excludes(password);
  password->needs(user);
  command->callback([&run, options] {
    if (options->secret_file.empty() && options->password_file.empty()) {
      throw CLI::ValidationError("no credentials to probe with",
                                 "give --secret-file FILE, or --user NAME and --password-file FILE");
    }
    if (const auto uri = probe_uri(options->uri); !uri) throw CLI::ValidationError("URI", uri.error().text());
    run = [options] { return probe(*options); };
  });
}

}  // namespace turnkeeper::cli
