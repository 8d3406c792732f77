// turnkeeper-monitor: watches TURN relays by using them, and moves clients off those that stop working.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>

#include "monitor/config/monitor_config.hpp"
#include "monitor/notify/notifier.hpp"
#include "monitor/provider/environment.hpp"
#include "monitor/run/flags.hpp"
#include "monitor/run/once.hpp"
#include "monitor/run/service_options.hpp"
#include "monitor/run/standalone.hpp"
#include "monitor/service/service.hpp"
#include "monitor/target/fleet_proto.hpp"
#include "monitor/target/operator_link.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/open_files.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/base/version.hpp"
#include "turnkeeper/rpc/grpc_log.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr int exit_bad = 1;    // something is wrong with a relay, or this monitor cannot run
constexpr int exit_usage = 2;  // of --once and --test-notification: nothing was tried

int complain(const std::string& text) {
  std::cerr << "turnkeeper-monitor: " << text << '\n';
  return exit_bad;
}

// What is known at the start.
struct Targets {
  std::string vantage = "local";
  std::optional<MonitorConfig> config;
  std::set<std::string> files;  // that the config depends on
  std::optional<Fleet> fleet;   // of the snapshot, or of the environment
};

// What TURN_PROVIDER and the variables beside it say; nothing when it is not set.
Result<std::optional<Fleet>> environment_fleet() {
  Fleet fleet;
  fleet.clusters.push_back({.name = "default", .realm = ""});
  const auto taken = apply_environment([](const char* name) { return std::getenv(name); }, fleet.clusters.front());
  if (!taken) return fail(taken.error());
  return *taken ? std::optional(std::move(fleet)) : std::nullopt;
}

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

void reload_environment(Service& service) {
  auto fleet = environment_fleet();
  if (fleet && *fleet) return service.set_fleet(std::move(**fleet));
  if (!fleet) log::error("the new configuration is not used", {{"problem", fleet.error().text()}});
}

// Until a signal. Everything that may be wrong with the flags was found before.
int watch(const Flags& flags, Targets targets, const AskedFor& asked) {
  const auto& options = asked.service;
  StopSignal stop;  // before gRPC starts its threads
  const auto files = raise_open_files_limit();
  boost::asio::io_context io(1);
  boost::asio::signal_set hangup(io, SIGHUP);
  auto service = Service::start(io, options);
  if (!service) return complain(service.error().text());
  if (files < options.limits.connections + 512) {
    log::warn("the limit of open files is lower than that of connections",
              {{"files", files}, {"connections", options.limits.connections}});
  }
  log::info("listening", {{"address", (*service)->address()}, {"vantage", targets.vantage}, {"version", version()}});
  if (options.ice_grpc) log::info("gRPC clients connect to", {{"address", (*service)->ice_grpc_address()}});
  if (options.exchange) log::info("other monitors connect to", {{"address", (*service)->exchange_address()}});
  if (targets.fleet) (*service)->set_fleet(std::move(*targets.fleet));

  std::optional<Standalone> standalone;
  if (targets.config) {
    standalone.emplace(io, **service, flags.config, std::move(*targets.config), std::move(targets.files));
  }
  std::function<void()> wait_for_hangup = [&] {
    hangup.async_wait([&](const boost::system::error_code& error, int) {
      if (error) return;
      (*service)->read_keys_again();
      if (standalone) standalone->reload();
      if (!standalone && !asked.link) reload_environment(**service);
      wait_for_hangup();
    });
  };
  wait_for_hangup();

  std::unique_ptr<OperatorLink> link;
  if (asked.link) {
    log_grpc();
    auto started = OperatorLink::start(*asked.link, [&](Fleet fleet) { (*service)->set_fleet(std::move(fleet)); });
    if (!started) return complain(started.error().text());
    link = std::move(*started);
    (*service)->on_health([&](FleetReport report) { link->report(std::move(report)); });
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
  Targets targets;
  std::vector<Error> problems;
  if (flags.config.empty() && flags.operator_address.empty()) {
    auto fleet = environment_fleet();
    if (!fleet) {
      problems.push_back(fleet.error());
    } else if (!*fleet) {
      problems.push_back({"nothing to watch", "give --config FILE, --operator HOST:PORT or TURN_PROVIDER"});
    } else {
      targets.fleet = std::move(**fleet);
    }
  } else if (std::getenv("TURN_PROVIDER") != nullptr) {
    log::warn("TURN_PROVIDER is not heeded", {{"since", flags.config.empty() ? "--operator" : "--config"}});
  }
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
      problems.push_back(fleet.error().within("--snapshot"));
    } else {
      log::warn("starting without a snapshot", {{"error", fleet.error().text()}});
    }
  }
  if (!flags.vantage.empty()) targets.vantage = flags.vantage;
  if (flags.once) return probe_all_once(flags, std::move(*targets.config));
  if (!flags.test_notification.empty()) return test_notification(flags, *targets.config);

  const auto asked = asked_for(flags, targets.vantage, targets.config ? &*targets.config : nullptr);
  if (!asked) std::ranges::copy(asked.error(), std::back_inserter(problems));
  for (const auto& problem : problems) complain(problem.text());
  if (!problems.empty()) return exit_bad;
  if (flags.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  return watch(flags, std::move(targets), *asked);
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
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::string message = error.what();
    message.erase(message.find_last_not_of(" \n") + 1);
    turnkeeper::monitor::complain(message + "; see `turnkeeper-monitor --help`");
    return turnkeeper::monitor::exit_usage;
  }
  return turnkeeper::monitor::run(flags);
}
