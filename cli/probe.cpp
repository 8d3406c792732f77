#include <iostream>
#include <memory>

#include "cli/commands.hpp"
#include "cli/run_probe.hpp"
#include "cli/text.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::cli {
namespace {

struct ProbeCommand {
  std::string uri;
  std::string secret_file;
  std::string user = "turnctl";
  std::string username;
  std::string password_file;
  double timeout_seconds = 5;
};

Result<turn::Credential> credential_of(const ProbeCommand& command) {
  const bool by_secret = !command.secret_file.empty();
  auto secret = Secret::from_file(by_secret ? command.secret_file : command.password_file);
  if (!secret) return fail(secret.error());
  if (secret->empty()) {
    return fail((by_secret ? command.secret_file : command.password_file) + " is empty", "put the secret into it");
  }
  if (!by_secret) return turn::Credential{.username = command.username, .password = std::move(*secret)};
  return turn::time_limited_credential(*secret, command.user, real_clock().system() + std::chrono::minutes(10));
}

void print_line(const std::string& name, const std::string& value) {
  std::cout << "  " << name << std::string(name.size() < 10 ? 10 - name.size() : 1, ' ')
            << std::string(value.size() < 10 ? 10 - value.size() : 0, ' ') << value << '\n';
}

void print_result(const ProbeCommand& command, const monitor::ProbeResult& result) {
  std::cout << printable(command.uri);
  if (!result.server.empty()) std::cout << " at " << result.server;
  std::cout << '\n';
  for (const auto& [phase, time] : result.phases) print_line(std::string(phase_name(phase)), milliseconds(time));
  print_line("total", milliseconds(result.total));
  if (!result.relayed_address.empty()) std::cout << "  relayed address " << result.relayed_address << '\n';
}

Result<void> probe(const ProbeCommand& command) {
  auto credential = credential_of(command);
  if (!credential) return fail(credential.error());
  const auto target = probe_target(command.uri, std::move(*credential));
  if (!target) return fail(target.error());
  const auto budget =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(command.timeout_seconds));
  const auto result = run_probe(*target, Deadline::after(real_clock(), budget));
  print_result(command, result);
  if (result.ok) {
    std::cout << "works: an allocation was made, heard its own echo and was released\n";
    return {};
  }
  std::string message = "fails: " + std::string(api::cause_name(result.cause));
  if (!result.detail.empty()) message += ": " + printable(result.detail);
  std::string advice(api::cause_advice(result.cause));
  if (const auto anchor = api::runbook_anchor(result.cause); !anchor.empty()) advice += " (" + anchor + ")";
  return fail(std::move(message), std::move(advice));
}

}  // namespace

void add_probe(CLI::App& app, Run& run) {
  const auto options = std::make_shared<ProbeCommand>();
  auto* command =
      app.add_subcommand("probe", "Use a relay once as a client would: allocate, bind, hear the own echo, release.");
  command->add_option("URI", options->uri, "turn:HOST[:PORT][?transport=udp]")->required();
  auto* secret = command->add_option("--secret-file", options->secret_file,
                                     "File with the relay's shared secret: a time-limited credential is made of it");
  auto* user = command->add_option("--user", options->user, "The user in that credential")->capture_default_str();
  auto* username = command->add_option("--username", options->username, "A user name as it is, with --password-file");
  auto* password = command->add_option("--password-file", options->password_file, "File with that user's password");
  command->add_option("--timeout", options->timeout_seconds, "Seconds for everything")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  secret->excludes(username)->excludes(password);
  username->needs(password);
  password->needs(username);
  user->needs(secret);
  command->callback([&run, options] {
    run = [options]() -> Result<void> {
      if (options->secret_file.empty() && options->password_file.empty()) {
        return fail("no credentials to probe with",
                    "give --secret-file FILE, or --username NAME and --password-file FILE");
      }
      return probe(*options);
    };
  });
}

}  // namespace turnkeeper::cli
