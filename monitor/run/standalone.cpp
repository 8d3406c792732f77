#include "monitor/run/standalone.hpp"

#include <boost/asio/post.hpp>

#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {

FleetWatch::Settings probing_settings(const MonitorConfig& config) {
  return {.tls = config.tls, .checks = config.checks, .throughput = config.throughput, .mtu = config.mtu};
}

Exchange::Options exchange_options(const ExchangeConfig& config) {
  Exchange::Options options{.listen = config.listen, .peers = config.peers, .peers_dns = config.peers_dns};
  if (!config.certificate.empty()) options.tls = Exchange::Tls{config.certificate, config.key, config.authority};
  return options;
}

Standalone::Standalone(boost::asio::io_context& io, Service& service, std::string path, MonitorConfig config,
                       std::set<std::string> files)
    : service_(service),
      path_(std::move(path)),
      watch_(path_, std::move(files), [this, &io](ConfigWatch::Reloaded news) {
        boost::asio::post(io, [this, news = std::move(news)]() mutable { reloaded(std::move(news)); });
      }) {
  service_.config_loaded(true);
  take(std::move(config));
}

void Standalone::take(MonitorConfig config) {
  config_ = std::move(config);
  service_.set_settings({.probing = probing_settings(config_),
                         .modules = config_.modules,
                         .receivers = config_.receivers,
                         .region_header = config_.region_header,
                         .uptime_target = config_.uptime_target});
  service_.set_fleet(config_.fleet);
}

void Standalone::reloaded(ConfigWatch::Reloaded config) {
  service_.config_loaded(config.has_value());
  if (!config) {
    for (const auto& problem : config.error()) {
      log::error("the new configuration is not used", {{"problem", api::problem_text(problem, path_)}});
    }
    return;
  }
  if (*config == config_) return log::info("the configuration is as it was", {{"file", path_}});
  if (config->vantage != config_.vantage || config->exchange != config_.exchange ||
      config->status_url != config_.status_url || config->access != config_.access) {
    log::warn("vantage, exchange, access and statusUrl take effect with the next start", {{"file", path_}});
  }
  log::info("the configuration has changed", {{"file", path_}});
  take(std::move(*config));
}

}  // namespace turnkeeper::monitor
