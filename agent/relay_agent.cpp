#include "agent/relay_agent.hpp"

#include <map>
#include <optional>
#include <thread>
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/addresses.hpp"
#include "agent/coturn_run.hpp"
#include "agent/file.hpp"
#include "agent/liveness_check.hpp"
#include "agent/metrics_text.hpp"
#include "agent/readiness.hpp"
#include "agent/relay_certificate.hpp"
#include "agent/relay_config.hpp"
#include "agent/state.hpp"
#include "agent/traffic.hpp"
#include "agent/turnserver_program.hpp"
#include "turnkeeper/api/signing_keys.hpp"
#include "turnkeeper/base/content_hash.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/version.hpp"
#include "turnkeeper/coturn/allocations.hpp"
#include "turnkeeper/coturn/config.hpp"
#include "turnkeeper/coturn/turndb.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

// A mounted Secret changes by a swapped symlink, which no watch on the file itself would see.
constexpr auto poll = 500ms;
constexpr auto traffic_poll = 5s;
// Less than the second that a Kubernetes probe waits.
constexpr auto readiness_patience = 900ms;

class RelayAgent {
 public:
  explicit RelayAgent(const RunOptions& options)
      : options_(options), poll_timer_(io_), coturn_(io_, [this](const Error& error) { give_up(error); }) {}

  Result<> run(const std::stop_token& stop) {
    auto ended = run_to_the_end(stop);
    if (!ended) leave_message(ended.error().text());
    return ended;
  }

 private:
  Result<> run_to_the_end(const std::stop_token& stop) {
    if (auto ready = prepare(); !ready) return ready;
    if (auto serving = serve(); !serving) return serving;
    follow();
    liveness_->begin();
    {
      const std::stop_callback on_stop(stop, [this] { boost::asio::post(io_, [this] { drain(); }); });
      io_.run();
    }
    if (drain_thread_.joinable()) drain_thread_.join();
    coturn_.stop();
    if (fatal_) return fail(*fatal_);
    log::info("relay ended");
    return {};
  }

  Result<> prepare() {
    const auto text = read_file(options_.config_path);
    if (!text)
      return fail(text.error().message, "the ConfigMap of the region is mounted there; or name it with --config");
    auto config = parse_relay_config(*text);
    if (!config) return fail(config.error().within(options_.config_path));
    config_ = std::move(*config);
    config_hash_ = content_hash(*text);
    auto own = own_addresses(options_.address, config_.ip_families);
    if (!own) return fail(own.error().within("--address"));
    own_addresses_ = std::move(*own);

    const std::string certificate = options_.state_directory + "/tls.pem";
    certificate_.emplace(options_.tls_directory, certificate);
    settings_ = {.realm = config_.realm,
                 .ports = config_.ports,
                 .limits = config_.limits,
                 .peers = config_.peers,
                 .transports = config_.transports,
                 .tls = {certificate, certificate},
                 .database = options_.state_directory + "/turndb",
                 .pid_file = options_.state_directory + "/turnserver.pid"};
    for (const std::string& address : own_addresses_) settings_.addresses.push_back({address});

    auto program = find_turnserver(options_.turnserver, options_.state_directory);
    if (!program) return fail(program.error());
    program_ = std::move(*program);
    if (!coturn::is_known(program_.version)) {
      log::warn("this coturn is newer than the agent knows", {{"coturn", program_.version.text()}});
    }
    if (auto written = write_config(); !written) return written;

    auto database = coturn::TurnDb::open(settings_.database);
    if (!database) return fail(database.error());
    database_.emplace(std::move(*database));
    readiness_.emplace(io_, real_clock(), endpoint(), readiness_patience);
    liveness_.emplace(io_, coturn_, endpoint(), options_.liveness_timeout);
    return load_keys();
  }

  [[nodiscard]] std::string coturn_config() const { return options_.state_directory + "/turnserver.conf"; }

  Result<> write_config() {
    const auto rendered = coturn::render(settings_, program_.version);
    if (!rendered) return fail(rendered.error().within(options_.config_path));
    if (auto written = write_file(coturn_config(), *rendered, 0600); !written) {
      return fail(written.error().message, "--state must name a directory that is writable");
    }
    return {};
  }

  // Where the agent itself tries the relay.
  [[nodiscard]] turn::Endpoint endpoint() const {
    using api::Transport;
    using turn::Protocol;
    Protocol protocol = Protocol::dtls;
    for (const auto& [transport, candidate] :
         {std::pair{Transport::tls, Protocol::tls}, std::pair{Transport::tcp, Protocol::tcp},
          std::pair{Transport::udp, Protocol::udp}}) {
      if (coturn::offers(settings_, transport)) protocol = candidate;
    }
    const bool encrypted = protocol == Protocol::tls || protocol == Protocol::dtls;
    // A literal, as write_config() and prepare() have found.
    return {protocol, *turn::SocketAddress::from_ip(settings_.addresses.front().address,
                                                    encrypted ? settings_.ports.turns : settings_.ports.turn)};
  }

  Result<> serve() {
    http::Router router;
    router.get("/healthz", [this](const http::Request&) {
      const auto alive = liveness_->alive();
      return alive ? http::Response::text("ok\n") : http::Response::problem(503, alive.error());
    });
    router.get("/metrics", [this](const http::Request&) {
      auto response = http::Response::text(metrics_text(state()));
      response.content_type = metrics_content_type;
      return response;
    });
    router.get("/v1/state", [this](const http::Request&) { return http::Response::json(state_json(state())); });
    router.get_deferred("/readyz", [this](const http::Request&, http::Responder respond) {
      if (draining_) return respond(http::Response::problem(503, {"the relay drains", ""}));
      if (!coturn_.process()) return respond(http::Response::problem(503, waits_for_));
      readiness_->check([this, respond = std::move(respond)](const Readiness::Outcome& outcome) {
        if (outcome.ready) coturn_.works();
        respond(outcome.ready ? http::Response::text("ok\n") : http::Response::problem(503, outcome.ready.error()));
      });
    });
    auto server = http::Server::listen(io_, options_.listen, std::move(router));
    if (!server) return fail(server.error().within("--listen " + options_.listen));
    server_ = std::move(*server);
    return {};
  }

  Result<> start_relay() {
    if (auto started = coturn_.start(program_.path, coturn_config()); !started) return started;
    certificate_->shown();
    log::info("relay started", {{"version", version()},
                                {"coturn", program_.version.text()},
                                {"address", endpoint().to_string()},
                                {"http", server_->address()}});
    return {};
  }

  void give_up(const Error& error) {
    if (draining_) return;
    fatal_ = error;
    io_.stop();
  }

  void follow() {
    take_up("signing keys", load_keys());
    if (coturn::offers_encryption(settings_)) {
      take_up("the certificate", certificate_->load());
      if (certificate_->is_news() && coturn_.process() && coturn_.process()->reload_certificate()) {
        certificate_->shown();
        log::info("certificate loaded", {{"serial", certificate_->current()->serial}});
      }
    }
    take_up("addresses", load_addresses());
    if (options_.count_bytes) count_traffic();
    if (!draining_ && !coturn_.process() && may_start()) {
      if (auto started = start_relay(); !started) give_up(started.error());
    }
    liveness_->note_starts();
    poll_timer_.expires_after(poll);
    poll_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) follow();
    });
  }

  // Says each new problem once.
  void take_up(const char* what, const Result<>& loaded) {
    const std::string problem = loaded ? "" : loaded.error().text();
    std::string& said = problems_[what];
    if (problem != said && !problem.empty()) {
      log::error(std::string(what) + " not loaded, what was there stays", {{"reason", problem}});
    }
    said = problem;
  }

  // Nothing new when the file is as before. On an error the keys of before go on working.
  Result<> load_keys() {
    auto text = read_file(options_.keys_path);
    if (!text) return fail(text.error().message, "the cluster's Secret is mounted there; or name it with --keys");
    if (*text == keys_text_.reveal()) return {};
    const auto keys = api::parse_signing_keys(*text);
    if (!keys) return fail(keys.error().within(options_.keys_path));
    std::vector<Secret> secrets;
    std::vector<std::string> ids;
    for (const auto& key : api::accepted_keys(*keys)) {
      secrets.push_back(key.secret);
      ids.push_back(key.id);
    }
    auto changed = database_->sync_secrets(settings_.realm, secrets);
    if (!changed) return fail(changed.error());
    const auto& issuing = *api::issuing_key(*keys);
    readiness_->use(issuing.secret);
    liveness_->use(issuing.secret);
    key_ids_ = std::move(ids);
    keys_text_ = Secret(std::move(*text));
    log::info("signing keys loaded", {{"keys", key_ids_.size()}, {"issuing", issuing.id}});
    return {};
  }

  Result<> load_addresses() {
    PublicAddresses found;
    if (!options_.addresses_path.empty()) {
      const auto text = read_file(options_.addresses_path);
      if (!text) {
        return fail(text.error().message, "the ConfigMap of the region is mounted there; or name it with --addresses");
      }
      auto parsed = parse_public_addresses(*text, options_.pod, options_.node);
      if (!parsed) return fail(parsed.error().within(options_.addresses_path));
      found = std::move(*parsed);
    }
    std::optional<std::uint64_t> limit = found.bits_per_second_per_session;
    if (limit) *limit /= 8;
    const auto limited = database_->limit_sessions(settings_.realm, limit);
    if (!limited) return fail(limited.error());
    if (*limited) log::info("bandwidth of new sessions changed", {{"bytes_per_second", limit.value_or(0)}});

    // An entry that goes away says nothing: a load balancer that is being changed has no address for a while.
    if (config_.address_from == RelayConfig::AddressFrom::pod || found.addresses.empty()) return {};
    auto addresses = behind(own_addresses_, found.addresses);
    if (!addresses) return fail(addresses.error());
    has_public_address_ = true;
    return *addresses == settings_.addresses ? Result<>() : move_to(std::move(*addresses));
  }

  // Calls through the old addresses are lost already: clients cannot reach them any more.
  Result<> move_to(std::vector<coturn::OwnAddress> addresses) {
    if (draining_) return {};
    const auto before = std::exchange(settings_.addresses, std::move(addresses));
    if (auto written = write_config(); !written) {
      settings_.addresses = before;
      return written;
    }
    readiness_->look_at(endpoint());
    liveness_->look_at(endpoint());
    std::string list;
    for (const auto& one : settings_.addresses) list += (list.empty() ? "" : ",") + one.public_address;
    log::info("public address found", {{"addresses", list}, {"cut", sessions().value_or(0)}});
    coturn_.stop();
    return {};
  }

  // Says why not in waits_for_.
  bool may_start() {
    if (config_.wait_for_address && !has_public_address_) {
      waits_for_ = {"the relay waits for its public address",
                    "its Service of type LoadBalancer, or its node, has to get one"};
      return false;
    }
    if (coturn::offers_encryption(settings_) && !certificate_->current()) {
      waits_for_ = {"the relay waits for its certificate: " + problems_["the certificate"], ""};
      return false;
    }
    return true;
  }

  void count_traffic() {
    const SteadyTime now = real_clock().steady();
    if (now < next_traffic_) return;
    next_traffic_ = now + traffic_poll;
    const auto text = read_file("/proc/net/dev");
    const auto sample = text ? parse_net_dev(*text) : fail(text.error());
    take_up("traffic counters", sample ? Result<>() : fail(sample.error()));
    if (sample) traffic_.add(now, *sample);
  }

  void drain() {
    if (std::exchange(draining_, true)) return;
    const auto alive = liveness_->alive();
    liveness_->end();
    if (!coturn_.process()) return io_.stop();
    if (!alive) {  // its calls are as dead as it is, and would never end
      say_cut("without a drain, because " + alive.error().message);
      return io_.stop();
    }
    log::info("draining", {{"allocations", sessions().value_or(0)}, {"timeout_s", options_.drain_timeout.count()}});
    drain_thread_ = std::thread([this] {
      const bool drained = coturn_.process()->drain(program_.version, settings_.ports,
                                                    Deadline::after(real_clock(), options_.drain_timeout));
      if (drained) {
        leave_message("drained");
      } else {
        say_cut("at the end of the drain timeout of " + std::to_string(options_.drain_timeout.count()) + " s");
      }
      boost::asio::post(io_, [this] { io_.stop(); });
    });
  }

  void say_cut(const std::string& when) const {
    const int cut = sessions().value_or(0);
    log::warn("sessions cut " + when, {{"sessions", cut}});
    leave_message(std::to_string(cut) + (cut == 1 ? " session" : " sessions") + " cut " + when);
  }

  // What `kubectl describe pod` and the operator show of the end.
  void leave_message(const std::string& text) const {
    if (!options_.termination_log.empty()) overwrite_if_there(options_.termination_log, text);
  }

  [[nodiscard]] std::optional<int> sessions() const {
    const auto pid = coturn_.pid();
    if (!pid) return std::nullopt;
    const auto count = coturn::live_allocations(*pid, settings_.ports);
    return count ? std::optional(*count) : std::nullopt;
  }

  [[nodiscard]] std::string problem() const {
    if (!coturn_.process()) return waits_for_.text();
    const auto alive = liveness_->alive();
    return alive ? coturn_.crash() : alive.error().text();
  }

  [[nodiscard]] State state() const {
    State state{.sessions = sessions(),
                .bits_per_second = traffic_.bits_per_second(),
                .keys = key_ids_,
                .config_hash = config_hash_,
                .coturn = program_.version,
                .running = coturn_.pid().has_value(),
                .draining = draining_,
                .starts = coturn_.starts(),
                .problem = problem()};
    if (const auto total = traffic_.total()) {
      state.sent_bytes = total->sent_bytes;
      state.received_bytes = total->received_bytes;
    }
    if (const auto& certificate = certificate_->current(); certificate && !certificate_->is_news()) {
      state.certificate_serial = certificate->serial;
      state.certificate_expires = certificate->not_after;
    }
    return state;
  }

  const RunOptions options_;
  boost::asio::io_context io_;
  boost::asio::steady_timer poll_timer_;
  RelayConfig config_;
  std::string config_hash_;
  std::vector<std::string> own_addresses_;
  coturn::Settings settings_;
  TurnserverProgram program_;
  std::optional<coturn::TurnDb> database_;
  std::optional<Readiness> readiness_;           // for /readyz
  std::map<std::string, std::string> problems_;  // with each thing that is followed, as it was said last
  Secret keys_text_;
  std::vector<std::string> key_ids_;
  std::optional<RelayCertificate> certificate_;
  bool has_public_address_ = false;
  Error waits_for_;  // why coturn was not started
  bool draining_ = false;
  std::optional<Error> fatal_;
  TrafficCounter traffic_;
  SteadyTime next_traffic_{};
  std::unique_ptr<http::Server> server_;
  CoturnRun coturn_;
  std::optional<LivenessCheck> liveness_;
  std::thread drain_thread_;
};

}  // namespace

Result<> run(const RunOptions& options, const std::stop_token& stop) {
  return RelayAgent(options).run(stop);
}

}  // namespace turnkeeper::agent
