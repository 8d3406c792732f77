#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>

#include "cli/cluster_file.hpp"
#include "cli/commands.hpp"
#include "cli/control.hpp"
#include "cli/key_rotation.hpp"
#include "cli/live_view.hpp"
#include "cli/local_fleet.hpp"
#include "cli/local_relays.hpp"
#include "cli/room/room.hpp"
#include "cli/state_directory.hpp"
#include "monitor/access/gate.hpp"
#include "monitor/provider/environment.hpp"
#include "monitor/service/service.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/stop_signal.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::cli {
namespace {

struct UpOptions {
  std::string file;
  std::string address = "127.0.0.1";
  std::string listen = "127.0.0.1:8480";
  std::string state_directory;
  std::string secrets;
  std::string api_keys_file;
  std::vector<std::string> origins;
  std::string turnserver = "turnserver";
  std::string log_level = "error";  // changes of verdicts are on the screen anyway
};

Screen measure_screen() {
  winsize size{};
  Screen screen;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 1) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row - 1;
  }
  screen.color = std::getenv("NO_COLOR") == nullptr;
  return screen;
}

// What the processes said about themselves, from their threads to the screen.
class Problems {
 public:
  // True for news.
  bool set(const std::string& relay, const Error& problem) {
    const std::lock_guard lock(mutex_);
    Error& last = problems_[relay];
    return std::exchange(last, problem) != problem;
  }
  [[nodiscard]] std::map<std::string, Error> get() const {
    const std::lock_guard lock(mutex_);
    return problems_;
  }
  // A relay that works has none.
  void clear(const std::string& relay) {
    const std::lock_guard lock(mutex_);
    problems_.erase(relay);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Error> problems_;
};

// Draws the table in place on a terminal; elsewhere prints a line for each change.
class Display {
 public:
  Display(boost::asio::io_context& io, LiveView view, std::function<void(LiveView&)> fill)
      : timer_(io), view_(std::move(view)), fill_(std::move(fill)), terminal_(::isatty(STDOUT_FILENO) == 1) {}

  // On each change, and by itself twice a second on a terminal.
  void update() {
    const monitor::Status before = view_.status;
    const std::string rotation = view_.rotation;
    view_.now = real_clock().system();
    fill_(view_);
    if (terminal_) {
      draw();
    } else {
      for (const auto& line : describe_changes(before, view_.status, view_.now)) std::cout << line << std::endl;
      if (view_.rotation != rotation) {
        std::cout << "signing keys: " << (view_.rotation.empty() ? "the rotation is over" : view_.rotation)
                  << std::endl;
      }
    }
  }
  void start() {
    update();
    if (!terminal_) return;
    timer_.expires_after(std::chrono::milliseconds(500));
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) start();
    });
  }
  void stop() { timer_.cancel(); }
  [[nodiscard]] bool terminal() const { return terminal_; }

 private:
  void draw() {
    std::string text;
    if (drawn_ > 0) text += "\x1b[" + std::to_string(drawn_) + "F";
    const auto lines = render_live_view(view_, measure_screen());
    for (const auto& line : lines) text += line + "\x1b[K\n";
    drawn_ = lines.size();
    std::cout << text << "\x1b[J" << std::flush;
  }

  boost::asio::steady_timer timer_;
  LiveView view_;
  std::function<void(LiveView&)> fill_;
  const bool terminal_;
  std::size_t drawn_ = 0;
};

// With the marks of the relays that drain.
monitor::Fleet marked(monitor::Fleet fleet, const std::vector<LocalRelays::State>& states) {
  for (auto& region : fleet.clusters.front().regions) {
    for (auto& relay : region.relays) {
      relay.draining = std::ranges::any_of(
          states, [&](const LocalRelays::State& state) { return state.name == relay.name && state.draining; });
    }
  }
  return fleet;
}

// What a client in each region would get now.
std::vector<monitor::IceConfig> offers_of(const monitor::Service& service, const monitor::Fleet& fleet) {
  std::vector<monitor::IceConfig> offers;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      auto config = service.ice_config({.cluster = cluster.name, .region = region.name, .user = "you", .session = ""});
      if (config) offers.push_back(std::move(*config));
    }
  }
  return offers;
}

Result<monitor::Fleet> fleet_of(const api::TurnCluster& cluster, const std::vector<LocalRelay>& plan,
                                const api::SigningKeys& keys, const UpOptions& options) {
  const auto beside = std::filesystem::path(options.file).parent_path() / "secrets";
  auto providers = local_providers(cluster, options.secrets.empty() ? beside.string() : options.secrets);
  if (!providers) return fail(providers.error());
  auto fleet = local_fleet(cluster, plan, keys, std::move(*providers));
  const auto taken = monitor::apply_environment([](const char* name) { return std::getenv(name); }, fleet.clusters[0]);
  if (!taken) return fail(taken.error());
  return fleet;
}

Result<void> up(const UpOptions& options) {
  const auto cluster = read_cluster(options.file);
  if (!cluster) return fail(cluster.error());
  const auto plan = plan_local_relays(*cluster, options.address);
  if (!plan) return fail(plan.error());

  std::string directory = options.state_directory;
  if (directory.empty()) {
    if (state_home().empty()) return fail("there is no HOME to keep state in", "name a directory with --state-dir");
    directory = state_home() + "/" + cluster->name;
  }
  const auto state = StateDirectory::open(directory);
  if (!state) return fail(state.error());
  auto keys = LocalKeys::open(*state, cluster->spec.credentials);
  if (!keys) return fail(keys.error());

  StopSignal stop;  // before the first thread
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto level = log::parse_level(options.log_level);
  if (!level) return fail(level.error());
  log::configure(*level, log::Format::logfmt);

  boost::asio::io_context io;
  // The monitor first: it says at once when its address is taken.
  std::unique_ptr<LocalRelays> relays;
  std::function<void()> relays_changed;
  std::string url;
  std::unique_ptr<KeyRotation> rotation;
  const ControlRoutes control_routes{.prefix = "",
                                     .cluster = cluster->name,
                                     .url = [&] { return url; },
                                     .changes = [](const http::Request&) { return true; },
                                     .changed = [&] { relays_changed(); },
                                     .rotate = [&](LocalKeys::Request request) { return rotation->ask(request); }};
  monitor::Service::Options service_options{
      .listen = options.listen,
      .vantage = "local",
      .access = {.api_keys_file = options.api_keys_file, .origins = options.origins}};
  const bool has_room = monitor::is_loopback(options.listen);
  if (has_room) {
    service_options.more_routes = [&](http::Router& router) {
      add_room_page(router);
      ControlRoutes routes = control_routes;
      routes.prefix = "/room";
      routes.changes = asked_by_own_page;
      routes.rotate = {};
      add_control_routes(router, relays, routes);
    };
  }
  auto service = monitor::Service::start(io, std::move(service_options));
  if (!service) return fail(service.error());

  auto fleet = fleet_of(*cluster, *plan, keys->keys(), options);
  if (!fleet) return fail(fleet.error());
  Problems problems;
  auto started = LocalRelays::start(
      *state, *plan, keys->keys(),
      {.turnserver = options.turnserver,
       .realm = cluster->spec.realm,
       .on_problem = [&](const std::string& relay, const Error& problem) {
         if (!problems.set(relay, problem) || terminal) return;
         boost::asio::post(io, [line = relay + ": " + problem.text()] { std::cout << line << std::endl; });
       }});
  if (!started) return fail(started.error());
  relays = std::move(*started);

  url = "http://" + (*service)->address();
  LiveView view{.cluster = cluster->name,
                .url = url,
                .room = has_room ? url + "/room/" : "",
                .program = program_invocation_name,
                .options = ""};
  if (!options.state_directory.empty()) view.options = " --state-dir " + options.state_directory;
  Display display(io, std::move(view), [&](LiveView& filled) {
    filled.status = (*service)->status();
    filled.held.clear();
    for (const auto& relay : relays->list()) {
      if (relay.held) filled.held.insert(relay.name);
    }
    for (const auto& status_cluster : filled.status.clusters) {
      for (const auto& region : status_cluster.regions) {
        for (const auto& relay : region.relays) {
          if (relay.verdict == api::Verdict::healthy) problems.clear(relay.name);
        }
      }
    }
    filled.problems = problems.get();
    if (rotation) filled.rotation = rotation->words();
    filled.offers = offers_of(**service, *fleet);
  });

  relays_changed = [&] {
    (*service)->set_fleet(marked(*fleet, relays->list()));
    display.update();
  };
  monitor::FleetReport seen;
  rotation = std::make_unique<KeyRotation>(
      io, std::move(*keys), [&] { return serving_relays(relays->list(), seen.relays); },
      [&](const api::SigningKeys& given) {
        auto accepted = relays->accept(given);
        set_keys(fleet->clusters.front(), given);
        relays_changed();
        return accepted;
      });
  (*service)->on_health([&](monitor::FleetReport report) {
    seen = std::move(report);
    rotation->look();
  });
  http::Router control_router;
  add_control_routes(control_router, relays, control_routes);
  auto control = http::Server::listen(io, state->control_address(), std::move(control_router));
  if (!control) return fail(control.error());

  (*service)->on_change([&](const monitor::Status&) { display.update(); });
  (*service)->set_fleet(*fleet);
  if (!display.terminal()) {
    std::cout << "coturn " << relays->version().text() << ", " << relays->list().size() << " relays; status page "
              << url << "/ ; " << (has_room ? "room " + url + "/room/ ; " : "") << "state in " << state->path()
              << std::endl;
  }
  display.start();
  rotation->start();

  const std::stop_callback wake(stop.token(), [&] {
    boost::asio::post(io, [&] {
      display.stop();
      rotation->stop();
      (*control)->stop();
      (*service)->stop([&] { io.stop(); });
    });
  });
  io.run();
  return {};
}

}  // namespace

void add_up(CLI::App& app, Run& run) {
  const auto options = std::make_shared<UpOptions>();
  auto* command = app.add_subcommand(
      "up",
      "Run a TurnCluster on this machine: one coturn for each relay, and the monitor with its status page. Ends with "
      "Ctrl-C.");
  command->add_option("-f,--file", options->file, "The TurnCluster, as YAML or JSON")->required();
  command->add_option("--address", options->address, "The relays' address: one of this machine's")
      ->capture_default_str();
  command->add_option("--listen", options->listen, "Where the monitor listens; port 0: a free one")
      ->capture_default_str();
  command->add_option("--state-dir", options->state_directory,
                      "For signing keys, logs and the control socket; left out: "
                      "$XDG_STATE_HOME/turnkeeper/NAME or ~/.local/state/turnkeeper/NAME");
  command->add_option("--secrets", options->secrets,
                      "Folder with the Secrets that the TurnCluster's providers refer to, as files SECRET/ENTRY; left "
                      "out: secrets/ beside FILE");
  command
      ->add_option("--api-keys-file", options->api_keys_file,
                   "Give credentials to whoever shows a key of this file (see `turnctl api-key`); left out: to anybody "
                   "on this machine")
      ->type_name("FILE");
  command
      ->add_option("--allow-origin", options->origins,
                   "Pages of this origin may ask, such as http://localhost:5173; may be given several times")
      ->type_name("ORIGIN");
  command->add_option("--turnserver", options->turnserver, "coturn's program")->capture_default_str();
  command->add_option("--log-level", options->log_level, "debug, info, warn or error")->capture_default_str();
  command->callback([&run, options] { run = [options] { return up(*options); }; });
}

}  // namespace turnkeeper::cli
