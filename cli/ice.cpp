#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/monitor_client.hpp"

namespace turnkeeper::cli {
namespace {

struct IceOptions {
  std::string url = default_url;
  std::string api_key_file;
  IceQuery query;
};

Result<void> print_ice(const IceOptions& options) {
  std::optional<Secret> key;
  if (!options.api_key_file.empty()) {
    auto read = Secret::from_file(options.api_key_file);
    if (!read) return fail(read.error());
    key = std::move(*read);
  }
  const MonitorClient monitor(options.url, std::move(key));
  const auto body = monitor.ice(options.query, Deadline::after(real_clock(), std::chrono::seconds(10)));
  if (!body) return fail(body.error());
  const auto json = nlohmann::ordered_json::parse(*body, nullptr, false);
  std::cout << (json.is_discarded() ? *body : json.dump(2)) << '\n';
  return {};
}

}  // namespace

void add_ice(CLI::App& app, Run& run) {
  const auto options = std::make_shared<IceOptions>();
  auto* command = app.add_subcommand("ice", "Print the ICE config that a client would get now, credentials included.");
  command->add_option("--url", options->url, "The monitor")->capture_default_str();
  command->add_option("--cluster", options->query.cluster, "The TurnCluster; left out: the only one");
  command->add_option("--region", options->query.region, "The client's region; left out: the first one");
  command->add_option("--user", options->query.user, "Whom the credentials are for")->capture_default_str();
  command->add_option("--session", options->query.session, "The call: both ends name the same one");
  command->add_option("--api-key-file", options->api_key_file, "File with the key that the monitor asks for");
  command->callback([&run, options] { run = [options] { return print_ice(*options); }; });
}

}  // namespace turnkeeper::cli
