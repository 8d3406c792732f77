#include <iostream>

#include "cli/commands.hpp"
#include "monitor/access/api_keys.hpp"

namespace turnkeeper::cli {
namespace {

struct ApiKeyOptions {
  std::string name;
  std::string user;
  std::string expires;
};

Result<void> make_api_key(const ApiKeyOptions& options) {
  if (!monitor::is_key_name(options.name)) {
    return fail("'" + options.name + "' is no name for a key", "use 1 to 63 letters, digits and . _ -");
  }
  std::string attributes;
  if (!options.user.empty()) attributes += " user=" + options.user;
  if (!options.expires.empty()) attributes += " expires=" + options.expires;
  // What begins alike in every key is found by those who look for keys in places where none should be.
  const Secret secret("tk_" + Secret::random(32).reveal());
  const auto line = monitor::key_line({.name = options.name, .user = {}, .expires = {}}, secret) + attributes;
  if (auto sound = monitor::ApiKeys::parse(line); !sound) return fail(sound.error().message, sound.error().advice);
  std::cerr << "The key, which is shown this once:\n";
  std::cout << secret.reveal() << '\n' << std::flush;
  std::cerr << "Its line for --api-keys-file of turnkeeper-monitor:\n";
  std::cout << line << '\n';
  return {};
}

}  // namespace

void add_api_key(CLI::App& app, Run& run) {
  const auto options = std::make_shared<ApiKeyOptions>();
  auto* command = app.add_subcommand(
      "api-key",
      "Make a new API key for clients of the monitor: prints it once, and the line with its hash to let it in.");
  command->add_option("NAME", options->name, "Whose key it is: letters, digits, '.', '-' and '_'")->required();
  command->add_option("--user", options->user, "It gives credentials for this user alone");
  command->add_option("--expires", options->expires, "It is good until then, such as 2027-01-31T00:00:00Z")
      ->type_name("TIME");
  command->callback([&run, options] { run = [options] { return make_api_key(*options); }; });
}

}  // namespace turnkeeper::cli
