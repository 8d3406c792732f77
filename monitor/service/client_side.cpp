#include "monitor/service/client_side.hpp"

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/host.hpp"

namespace turnkeeper::monitor {
namespace {

// A monitor that gives credentials to everybody on its machine must not give them to every page that is looked at
// there: not by a name that leads to 127.0.0.1 (DNS rebinding), and not by a form that is sent to it.
std::optional<http::Response> refuse_foreign_page(const http::Request& request, const http::Cors& cors) {
  const std::string_view origin = request.header("origin");
  const auto host = origin.find("://");
  const bool from_here = origin.empty() || cors.allows(origin) ||
                         (host != std::string_view::npos && http::is_loopback_host(origin.substr(host + 3)));
  if (from_here && http::is_loopback_host(request.header("host"))) return std::nullopt;
  return http::Response::problem(403, {"without a key, this monitor serves its own machine under its own name only",
                                       "ask http://127.0.0.1 or http://localhost, or start it with --api-keys-file, "
                                       "or with --allow-anonymous if its network is trusted"});
}

}  // namespace

ClientSide::ClientSide(boost::asio::any_io_executor executor, Options options, IceApi::View view, Metrics& metrics,
                       const Clock& clock)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      metrics_(metrics),
      gate_(gate_options(), clock),
      streams_(gate_, clock),
      audit_(metrics, options_.audit, clock),
      tables_(view.fleet, view.verdict_of, view.proof_of, clock),
      hub_(
          make_config_, [this](const std::string& cluster, UrlHash url) { return tables_.standing(cluster, url); },
          clock,
          [this](const std::string& cluster, const std::string& region, std::size_t clients) {
            metrics_.set_push_clients(cluster, region, clients);
          }),
      rounds_(
          executor_, hub_, clock,
          [this](const std::string& cluster, const std::string& region, std::chrono::nanoseconds late) {
            metrics_.pushed_after(cluster, region, late);
          },
          [this] { audit_.round_done(); }),
      ice_api_(make_config_, std::move(view), hub_, gate_, streams_, audit_, clock),
      calls_(options_.vantage, clock),
      report_api_(calls_, gate_, clock) {
  ice_api_.set_region_header(options_.region_header);
  metrics_.write_also([this](Exposition& text) { calls_.write(text); });
}

Gate::Options ClientSide::gate_options() {
  const bool only_here =
      is_loopback(options_.listen) && (!options_.ice_grpc || is_loopback(options_.ice_grpc->address));
  return {.anonymous = options_.access.anonymous || only_here,
          .per_caller = options_.access.per_caller,
          .per_address = options_.access.per_address,
          .proxies = options_.access.proxies,
          .on_refused = [this](std::string_view reason) { metrics_.rejected(reason); },
          .on_unknown_key = [this] { return access_files_ && access_files_->want_jwt_keys(); },
          .on_change = [this] { streams_.keys_changed(); }};
}

Result<void> ClientSide::read_keys() {
  auto cors = http::Cors::parse(options_.access.origins);
  if (!cors) return fail(cors.error());
  cors_ = std::move(*cors);
  auto files = AccessFiles::follow(executor_, options_.access, gate_);
  if (!files) return fail(files.error());
  access_files_ = std::move(*files);
  if (gate_.closed()) log::warn("nobody gets credentials here: no keys are given", {{"listen", options_.listen}});
  return {};
}

void ClientSide::read_keys_again() {
  if (access_files_) access_files_->read_again();
}

void ClientSide::add_routes(http::Router& router) {
  if (gate_.open() && !options_.access.anonymous && !options_.listen.starts_with("unix:")) {
    router.guard([cors = cors_](const http::Request& request) { return refuse_foreign_page(request, cors); });
  }
  ice_api_.add_routes(router);
  report_api_.add_routes(router);
}

void ClientSide::allow_origins(http::Router& router) const {
  if (!options_.access.origins.empty()) router.allow_origins(cors_);
}

Result<void> ClientSide::serve_grpc() {
  if (!options_.ice_grpc) return {};
  auto ice_grpc = IceGrpc::listen(
      *options_.ice_grpc,
      {.executor = executor_,
       .gate = gate_,
       .make_config = make_config_,
       .hub = hub_,
       .streams = streams_,
       .issued = [this](const Caller& caller, const std::string& user,
                        const IceConfig& config) { audit_.issued("grpc", caller.name, user, config); },
       .pushed = [this](const Caller& caller, const Push& push) { audit_.pushed("grpc", caller.name, push); }});
  if (!ice_grpc) return fail(ice_grpc.error());
  ice_grpc_ = std::move(*ice_grpc);
  if (!options_.ice_grpc->tls && !is_loopback(options_.ice_grpc->address)) {
    log::warn("gRPC clients show their keys in the clear", {{"listen", options_.ice_grpc->address}});
  }
  return {};
}

void ClientSide::on_time() {
  streams_.on_time();
  rounds_.on_time();
}

void ClientSide::stop() {
  ice_grpc_.reset();
  access_files_.reset();
}

void ClientSide::set_region_header(const RegionHeader& header) {
  ice_api_.set_region_header(header.name.empty() ? options_.region_header : header);
}

void ClientSide::lists_changed(std::vector<PushRounds::Death> deaths) {
  tables_.changed();
  rounds_.changed(std::move(deaths));
}

}  // namespace turnkeeper::monitor
