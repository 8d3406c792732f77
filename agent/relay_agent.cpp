#include "agent/relay_agent.hpp"

#include <cstdio>
#include <map>
#include <optional>
#include <thread>
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/file.hpp"
#include "agent/metrics_text.hpp"
#include "agent/readiness.hpp"
#include "agent/relay_config.hpp"
#include "agent/turnserver_program.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/version.hpp"
#include "turnkeeper/coturn/address_range.hpp"
#include "turnkeeper/coturn/allocations.hpp"
#include "turnkeeper/coturn/config.hpp"
#include "turnkeeper/coturn/log_line.hpp"
#include "turnkeeper/coturn/relay_process.hpp"
#include "turnkeeper/coturn/turndb.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

// A mounted Secret changes by a swapped symlink, which no watch on the file itself would see.
constexpr auto keys_poll = 500ms;
// coturn tries again every second when it cannot listen: what it still complains of after this long will not pass.
constexpr auto patience = 5s;
constexpr auto stop_grace = 10s;

class RelayAgent {
 public:
  explicit RelayAgent(const RunOptions& options) : options_(options), keys_timer_(io_) {}

  Result<> run(const std::stop_token& stop) {
    if (auto ready = prepare(); !ready) return ready;
    if (auto serving = serve(); !serving) return serving;
    if (auto started = start_relay(); !started) return started;
    follow_keys();
    {
      const std::stop_callback on_stop(stop, [this] { boost::asio::post(io_, [this] { drain(); }); });
      io_.run();
    }
    if (drain_thread_.joinable()) drain_thread_.join();
    relay_->stop(stop_grace);
    if (fatal_) return fail(*fatal_);
    log::info("relay ended");
    return {};
  }

 private:
  Result<> prepare() {
    const auto text = read_file(options_.config_path);
    if (!text)
      return fail(text.error().message, "the ConfigMap of the region is mounted there; or name it with --config");
    auto config = parse_relay_config(*text);
    if (!config) return fail(config.error().within(options_.config_path));
    if (const auto address = coturn::parse_address(options_.address); !address) {
      return fail(address.error().within("--address"));
    }
    const auto server = turn::SocketAddress::from_ip(options_.address, config->ports.turn);
    if (!server) return fail(server.error().within("--address"));
    settings_ = {.realm = config->realm,
                 .address = options_.address,
                 .public_address = "",
                 .ports = config->ports,
                 .limits = config->limits,
                 .peers = config->peers,
                 .transports = config->transports,
                 .database = options_.state_directory + "/turndb",
                 .pid_file = options_.state_directory + "/turnserver.pid"};

    auto program = find_turnserver(options_.turnserver, options_.state_directory);
    if (!program) return fail(program.error());
    program_ = std::move(*program);
    const auto rendered = coturn::render(settings_, program_.version);
    if (!rendered) return fail(rendered.error().within(options_.config_path));
    if (auto written = write_file(coturn_config(), *rendered, 0600); !written) {
      return fail(written.error().message, "--state must name a directory that is writable");
    }

    auto database = coturn::TurnDb::open(settings_.database);
    if (!database) return fail(database.error());
    database_.emplace(std::move(*database));
    readiness_.emplace(io_, *server);
    return load_keys();
  }

  [[nodiscard]] std::string coturn_config() const { return options_.state_directory + "/turnserver.conf"; }

  Result<> serve() {
    http::Router router;
    router.get("/healthz", [](const http::Request&) { return http::Response::text("ok\n"); });
    router.get("/metrics", [this](const http::Request&) {
      auto response = http::Response::text(metrics());
      response.content_type = metrics_content_type;
      return response;
    });
    router.get_deferred("/readyz", [this](const http::Request&, http::Responder respond) {
      if (draining_) return respond(http::Response::problem(503, {"the relay drains", ""}));
      readiness_->check([respond = std::move(respond)](const Result<>& ready) {
        respond(ready ? http::Response::text("ok\n") : http::Response::problem(503, ready.error()));
      });
    });
    auto server = http::Server::listen(io_, options_.listen, std::move(router));
    if (!server) return fail(server.error().within("--listen " + options_.listen));
    server_ = std::move(*server);
    return {};
  }

  Result<> start_relay() {
    auto relay = coturn::RelayProcess::start({.turnserver = program_.path,
                                              .config_path = coturn_config(),
                                              .on_log = [this](const std::string& line) { on_log(line); },
                                              .on_crash =
                                                  [this](const coturn::Crash& crash) {
                                                    log::error("coturn ended by itself",
                                                               {{"status", crash.status},
                                                                {"ran_ms", crash.ran.count()},
                                                                {"restart_in_ms", crash.restart_in.count()}});
                                                    problems_.clear();
                                                  }});
    if (!relay) return fail(relay.error());
    relay_ = std::move(*relay);
    log::info("relay started", {{"version", version()},
                                {"coturn", program_.version.text()},
                                {"address", options_.address},
                                {"port", settings_.ports.turn},
                                {"http", server_->address()}});
    return {};
  }

  // On the relay's thread, as is problems_.
  void on_log(const std::string& line) {
    std::fprintf(stdout, "%s\n", line.c_str());
    std::fflush(stdout);
    auto problem = coturn::explain_log_line(line);
    if (!problem) return;
    const SteadyTime now = real_clock().steady();
    const auto [seen, is_new] = problems_.try_emplace(problem->message, now);
    if (is_new) log::warn(problem->message, {{"advice", problem->advice}});
    if (now - seen->second < patience) return;
    boost::asio::post(io_, [this, error = std::move(*problem)] {
      if (draining_) return;
      fatal_ = error;
      io_.stop();
    });
  }

  // Tells nothing new when the file is as before. On an error the keys of before go on working.
  Result<> load_keys() {
    auto text = read_file(options_.keys_path);
    if (!text) return fail(text.error().message, "the cluster's Secret is mounted there; or name it with --keys");
    if (*text == keys_text_.reveal()) return {};
    const auto keys = api::parse_signing_keys(*text);
    if (!keys) return fail(keys.error().within(options_.keys_path));
    std::vector<Secret> secrets;
    for (const auto& key : *keys) secrets.push_back(key.secret);
    auto changed = database_->sync_secrets(settings_.realm, secrets);
    if (!changed) return fail(changed.error());
    const auto& issuing = *api::issuing_key(*keys);
    readiness_->use(issuing.secret);
    key_count_ = static_cast<int>(keys->size());
    keys_text_ = Secret(std::move(*text));
    log::info("signing keys loaded", {{"keys", key_count_}, {"issuing", issuing.id}});
    return {};
  }

  void follow_keys() {
    keys_timer_.expires_after(keys_poll);
    keys_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (cancelled) return;
      const auto loaded = load_keys();
      const std::string problem = loaded ? "" : loaded.error().text();
      if (problem != keys_problem_ && !problem.empty()) {
        log::error("signing keys not loaded, the last ones stay", {{"reason", problem}});
      }
      keys_problem_ = problem;
      follow_keys();
    });
  }

  void drain() {
    if (std::exchange(draining_, true)) return;
    log::info("draining", {{"allocations", sessions()}, {"timeout_s", options_.drain_timeout.count()}});
    drain_thread_ = std::thread([this] {
      const bool drained =
          relay_->drain(program_.version, settings_.ports, Deadline::after(real_clock(), options_.drain_timeout));
      if (!drained) log::warn("allocations are left at the end of the drain timeout", {{"allocations", sessions()}});
      relay_->stop(stop_grace);
      boost::asio::post(io_, [this] { io_.stop(); });
    });
  }

  [[nodiscard]] int sessions() const {
    const auto pid = relay_->pid();
    return pid ? coturn::live_allocations(*pid, settings_.ports).value_or(-1) : -1;
  }

  std::string metrics() const {
    return metrics_text({.sessions = relay_ ? sessions() : -1,
                         .relay_starts = relay_ ? relay_->starts() : 0,
                         .signing_keys = key_count_,
                         .draining = draining_,
                         .coturn = program_.version});
  }

  const RunOptions options_;
  boost::asio::io_context io_;
  boost::asio::steady_timer keys_timer_;
  coturn::Settings settings_;
  TurnserverProgram program_;
  std::optional<coturn::TurnDb> database_;
  std::optional<Readiness> readiness_;
  Secret keys_text_;
  int key_count_ = 0;
  std::string keys_problem_;
  bool draining_ = false;
  std::optional<Error> fatal_;
  std::map<std::string, SteadyTime> problems_;  // when coturn first complained of each since its start
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<coturn::RelayProcess> relay_;
  std::thread drain_thread_;
};

}  // namespace

Result<> run(const RunOptions& options, const std::stop_token& stop) {
  return RelayAgent(options).run(stop);
}

}  // namespace turnkeeper::agent
