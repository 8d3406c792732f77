#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/cluster_report.hpp"
#include "cli/commands.hpp"
#include "cli/control.hpp"
#include "cli/kubernetes.hpp"

namespace turnkeeper::cli {
namespace {

constexpr const char* rotate_annotation = "turnkeeper.io/rotate";
constexpr const char* revoke_annotation = "turnkeeper.io/revoke";

struct RotateOptions {
  KubernetesOptions kubernetes;
  std::string cluster;
  bool local = false;
  std::string state_directory;
  bool now = false;
  bool yes = false;
  bool dry_run = false;
};

// A credential that a client holds may be refused by this: not without a person's word.
Result<void> ask(const std::string& name) {
  const char* advice = "give --yes when you are sure";
  if (::isatty(STDIN_FILENO) != 1)
    return fail("--now cuts off every credential that was issued, and nobody is there to ask", advice);
  std::cout << "This cuts off every credential that was issued. Type the cluster's name to go on: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != name) return fail("nothing was changed", "to go on, type " + name + ", or give --yes");
  return {};
}

// What happens to the running `turnctl up`.
Result<void> rotate_local(const RotateOptions& options) {
  const auto control = Control::connect(options.state_directory);
  if (!control) return fail(control.error());
  const auto cluster = control->list();
  if (!cluster) return fail(cluster.error());
  std::cout << cluster->name
            << ": a new signing key is made and proven on every relay, then it signs all credentials.\n"
            << (options.now
                    ? "The old keys are removed in the same moment: every credential that was issued is refused "
                      "from then on, and clients that follow /v1/events get new ones at once.\n"
                    : "The old one is accepted until its last credential has expired. Nobody is cut off.\n");
  if (options.dry_run) return {};
  if (options.now && !options.yes) {
    if (auto sure = ask(cluster->name); !sure) return sure;
  }
  const auto words = control->rotate(options.now ? LocalKeys::Request::revoke : LocalKeys::Request::rotate);
  if (!words) return fail(words.error());
  std::cout << "Asked for: " << *words << ". `turnctl up` says how it goes on.\n";
  return {};
}

Result<void> rotate(const RotateOptions& options) {
  if (options.local || !options.state_directory.empty()) return rotate_local(options);
  auto kubernetes = Kubernetes::connect(options.kubernetes);
  if (!kubernetes) return fail(kubernetes.error());
  const auto object = kubernetes->turn_cluster(options.cluster);
  if (!object) return fail(object.error());
  const auto name = kube::key_of(*object).name;
  if (const auto secret = kube::text_at(*object, "/spec/credentials/secretRef/name"); !secret.empty() && !options.now) {
    return fail("the shared secret of " + name + " is that in the Secret " + secret,
                "change it there: relays take the new one, and the old one for another ttl");
  }
  std::cout << rotation_preview(*object, options.now);
  if (options.dry_run) return {};
  if (options.now && !options.yes) {
    if (auto sure = ask(name); !sure) return sure;
  }
  // Any text that was not there before.
  const auto request = rfc3339(real_clock().system());
  auto set = kubernetes->annotate(*object, options.now ? revoke_annotation : rotate_annotation, request);
  if (!set) return set;
  std::cout << "Asked for. Follow it: turnctl status " << name << " -n " << kube::key_of(*object).namespace_name
            << '\n';
  return {};
}

}  // namespace

void add_rotate(CLI::App& app, Run& run) {
  const auto options = std::make_shared<RotateOptions>();
  auto* command = app.add_subcommand(
      "rotate", "Replace the signing key of a TurnCluster, without a call being cut; says what will happen.");
  auto* cluster =
      command->add_option("CLUSTER", options->cluster, "The TurnCluster; left out: the only one of the namespace");
  command->add_flag("--local", options->local, "That of the running `turnctl up` on this machine instead of Kubernetes")
      ->excludes(cluster);
  command
      ->add_option("--state-dir", options->state_directory,
                   "State directory of that `turnctl up`; left out: the one that runs")
      ->excludes(cluster);
  add_kubernetes_options(*command, options->kubernetes);
  command->add_flag("--now", options->now,
                    "The key leaked: remove it as soon as there is another one, and with it every credential that was "
                    "issued; asks before");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->add_flag("--dry-run", options->dry_run, "Only say what would happen");
  command->callback([&run, options] { run = [options] { return rotate(*options); }; });
}

}  // namespace turnkeeper::cli
