#include "monitor/run/once.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "monitor/probe/look_up.hpp"
#include "monitor/probe/path_checks.hpp"
#include "monitor/probe/probe.hpp"
#include "monitor/provider/providers.hpp"
#include "monitor/service/probe_gate.hpp"
#include "monitor/service/relay_credential.hpp"

namespace turnkeeper::monitor {
namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;

constexpr std::size_t at_once = 50;
constexpr auto longest_probe = 5s;
constexpr auto longest_check = 10s;
constexpr auto longest_providers = 20s;

class Round {
 public:
  Round(boost::asio::io_context& io, const MonitorConfig& config, Fleet fleet, std::ostream* progress)
      : io_(io),
        config_(config),
        fleet_(std::move(fleet)),
        progress_(progress),
        resolver_(std::make_shared<turn::Resolver>(io.get_executor())),
        gate_(std::make_shared<ProbeGate>(at_once)) {
    if (auto made = turn::make_tls_context(config.tls)) tls_ = std::move(*made);
  }

  std::vector<OnceRow> run() {
    for (const auto& cluster : fleet_.clusters) {
      for (const auto& region : cluster.regions) {
        for (const auto& relay : region.relays) start({cluster.name, region.name, relay.name}, relay);
      }
    }
    io_.run();
    if (progress_) *progress_ << "\r\x1b[K" << std::flush;
    std::ranges::stable_sort(rows_, {}, [](const OnceRow& row) {
      return std::tuple(row.relay, row.result.endpoint, static_cast<int>(row.result.cause));
    });
    return std::move(rows_);
  }

 private:
  void start(const RelayId& id, const Relay& relay) {
    for (std::size_t i = 0; i < relay.uris.size(); ++i) {
      // The first URL's first address is what the path checks are made with.
      spawn(look_up_and_probe(id, relay, relay.uris[i], config_.checks && !relay.probing && i == 0));
    }
  }

  void spawn(awaitable<void> work) {
    ++wanted_;
    gate_->enter(
        [this, work = std::make_shared<awaitable<void>>(std::move(work))](std::shared_ptr<ProbeGate::Pass> pass) {
          boost::asio::co_spawn(io_, std::move(*work), [this, pass = std::move(pass)](const std::exception_ptr&) {
            ++done_;
            if (progress_) *progress_ << "\r\x1b[K" << done_ << " of " << wanted_ << " probed" << std::flush;
          });
        });
  }

  awaitable<void> look_up_and_probe(RelayId id, const Relay& relay, turn::Uri uri, bool check) {
    const auto found = co_await look_up(resolver_, uri, Deadline::after(real_clock(), longest_probe), real_clock());
    if (!found.endpoints) {
      add(id, uri, unresolved(uri, found, real_clock().system()));
      co_return;
    }
    for (const auto& endpoint : *found.endpoints) {
      spawn(probe_one(id, relay, uri, endpoint, found.took, std::exchange(check, false)));
    }
  }

  awaitable<void> probe_one(RelayId id, const Relay& relay, turn::Uri uri, turn::Endpoint endpoint,
                            std::chrono::nanoseconds resolve_time, bool check) {
    auto credentials = relay_credentials(fleet_, id, config_.vantage, real_clock().system());
    if (!credentials) {
      ProbeResult result{.cause = api::Cause::internal, .detail = credentials.error().text(), .endpoint = endpoint};
      add(id, uri, std::move(result));
      co_return;
    }
    ProbeTarget target;
    target.endpoint = endpoint;
    target.credential = credentials->current;
    target.server_name = uri.host;
    target.tls = tls_;
    target.public_addresses = relay.public_addresses;
    target.auth.lasting = std::move(credentials->lasting);
    target.auth.other_keys = std::move(credentials->other_keys);
    ProbeOptions options{.deadline = Deadline::after(real_clock(), longest_probe)};
    options.resolve_time = resolve_time;
    if (!relay.probing) options.throughput = config_.throughput;
    options.mtu = config_.mtu && !relay.probing;
    auto result = co_await probe(target, options);
    const bool works = result.ok;
    add(id, uri, std::move(result));
    if (!works || !check) co_return;
    PathTarget path{.relay = std::move(target)};
    path.expired = std::move(credentials->expired);
    path.allowed_peers = relay.allowed_peers;
    path.old_keys = std::move(credentials->old_keys);
    ProbeOptions check_options{.deadline = Deadline::after(real_clock(), longest_check)};
    const auto report = co_await check_path(std::move(path), std::move(check_options));
    if (!report.not_asked.empty()) {
      ProbeResult unknown{.cause = api::Cause::internal, .endpoint = endpoint};
      unknown.detail = "the path checks could not be made: " + report.not_asked;
      unknown.server = endpoint.address.to_string();
      add(id, uri, std::move(unknown));
    }
    for (const auto& finding : report.findings) {
      ProbeResult wrong{.ok = true, .cause = finding.cause, .detail = finding.detail, .endpoint = endpoint};
      wrong.server = endpoint.address.to_string();
      add(id, uri, std::move(wrong));
    }
  }

  void add(const RelayId& id, const turn::Uri& uri, ProbeResult result) {
    rows_.push_back({id, uri.to_string(), std::move(result)});
  }

  boost::asio::io_context& io_;
  const MonitorConfig& config_;
  const Fleet fleet_;
  std::ostream* progress_;
  std::shared_ptr<turn::Resolver> resolver_;
  std::shared_ptr<ProbeGate> gate_;
  std::shared_ptr<turn::TlsContext> tls_;
  std::vector<OnceRow> rows_;
  std::size_t wanted_ = 0;
  std::size_t done_ = 0;
};

// What a server said may hold control characters, which a terminal obeys.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return text;
}

std::string milliseconds(std::chrono::nanoseconds time) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << std::chrono::duration<double, std::milli>(time).count() << " ms";
  return text.str();
}

std::string outcome(const ProbeResult& result) {
  if (!result.ok) return std::string(api::cause_name(result.cause));
  return result.cause == api::Cause::none ? "ok" : "ok, but " + std::string(api::cause_name(result.cause));
}

}  // namespace

std::vector<OnceRow> probe_once(const MonitorConfig& config, std::ostream* progress) {
  boost::asio::io_context io(1);
  Fleet fleet = config.fleet;
  std::vector<OnceRow> unprovided;
  if (!fleet.clusters.front().providers.empty()) {
    if (progress) *progress << "asking the providers" << std::flush;
    Providers providers(io.get_executor(), real_clock(), [] {});
    providers.set(fleet);
    const auto deadline = Deadline::after(real_clock(), longest_providers);
    const auto work = boost::asio::make_work_guard(io);
    while (!providers.asked_all() && !deadline.expired(real_clock())) io.run_one_for(100ms);
    fleet = providers.complete(std::move(fleet));
    const auto& cluster = fleet.clusters.front();
    for (const auto& status : providers.status()) {
      if (status.up) continue;
      const auto& config_of = *std::ranges::find(cluster.providers, status.name, &ProviderConfig::name);
      ProbeResult result{.cause = api::Cause::internal,
                         .detail = "the provider named no relay; see the log above for why"};
      const auto& region = config_of.in_region.empty() ? config_of.name : config_of.in_region;
      unprovided.push_back({{cluster.name, region, status.name}, std::string(status.type), std::move(result)});
    }
  }
  io.restart();
  auto rows = Round(io, config, std::move(fleet), progress).run();
  std::ranges::move(unprovided, std::back_inserter(rows));
  return rows;
}

bool all_good(const std::vector<OnceRow>& rows) {
  return std::ranges::all_of(rows,
                             [](const OnceRow& row) { return row.result.ok && row.result.cause == api::Cause::none; });
}

std::string once_table(const std::vector<OnceRow>& rows) {
  std::vector<std::array<std::string, 6>> cells{{"RELAY", "REGION", "TRANSPORT", "ADDRESS", "RESULT", "TIME"}};
  for (const auto& row : rows) {
    const auto& result = row.result;
    cells.push_back({row.relay.relay, row.relay.region, std::string(turn::protocol_name(result.endpoint.protocol)),
                     result.server.empty() ? row.url : result.server, outcome(result),
                     result.total.count() > 0 ? milliseconds(result.total) : ""});
  }
  std::array<std::size_t, 6> widths{};
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : cells) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) row += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + '\n';
  }
  for (const auto& row : rows) {
    if (row.result.cause == api::Cause::none) continue;
    text += '\n' + row.relay.relay + " (" + row.url + "): " + outcome(row.result);
    if (!row.result.detail.empty()) text += ": " + printable(row.result.detail);
    text += "\n  " + std::string(api::cause_advice(row.result.cause)) + " (" + api::runbook_anchor(row.result.cause) +
            ")\n";
  }
  return text;
}

std::string once_json(const std::vector<OnceRow>& rows) {
  using Json = nlohmann::ordered_json;
  const auto seconds = [](std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); };
  Json list = Json::array();
  for (const auto& row : rows) {
    const auto& result = row.result;
    Json phases = Json::object();
    for (const auto& [phase, took] : result.phases) phases[std::string(phase_name(phase))] = seconds(took);
    Json entry{{"cluster", row.relay.cluster},
               {"region", row.relay.region},
               {"relay", row.relay.relay},
               {"url", row.url},
               {"transport", turn::protocol_name(result.endpoint.protocol)},
               {"server", result.server},
               {"ok", result.ok},
               {"cause", api::cause_name(result.cause)},
               {"detail", result.detail},
               {"advice", api::cause_advice(result.cause)},
               {"seconds", seconds(result.total)},
               {"phases", std::move(phases)}};
    if (result.certificate) entry["certificateExpires"] = rfc3339(result.certificate->not_after);
    list.push_back(std::move(entry));
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace turnkeeper::monitor
