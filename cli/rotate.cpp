#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/cluster_report.hpp"
#include "cli/commands.hpp"
#include "cli/kubernetes.hpp"

namespace turnkeeper::cli {
namespace {

constexpr const char* rotate_annotation = "turnkeeper.io/rotate";
constexpr const char* revoke_annotation = "turnkeeper.io/revoke";

struct RotateOptions {
  KubernetesOptions kubernetes;
  std::string cluster;
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

Result<void> rotate(const RotateOptions& options) {
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
      "rotate",
      "Replace the signing key of a TurnCluster in Kubernetes, without a call being cut; says what will happen.");
  command->add_option("CLUSTER", options->cluster, "The TurnCluster; left out: the only one of the namespace");
  add_kubernetes_options(*command, options->kubernetes);
  command->add_flag("--now", options->now,
                    "The key leaked: remove it as soon as there is another one, and with it every credential that was "
                    "issued; asks before");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->add_flag("--dry-run", options->dry_run, "Only say what would happen");
  command->callback([&run, options] { run = [options] { return rotate(*options); }; });
}

}  // namespace turnkeeper::cli
