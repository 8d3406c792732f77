#include "monitor/ice_api/audit.hpp"

#include "monitor/shape/shape.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

std::string relay_names(const IceConfig& config) {
  std::string names;
  for (const auto& server : config.servers) {
    if (!server.relay.empty()) names += (names.empty() ? "" : ",") + server.relay;
  }
  return names;
}

}  // namespace

void Audit::issued(std::string_view api, const std::string& caller, const std::string& user, const IceConfig& config) {
  metrics_.issued(config.cluster, config.region, api);
  if (!logged_) return;
  log::info("credentials issued", {{"caller", caller},
                                   {"user", user},
                                   {"api", api},
                                   {"cluster", config.cluster},
                                   {"region", config.region},
                                   {"relays", relay_names(config)},
                                   {"ttl", seconds_left(config, clock_.system())}});
}

void Audit::pushed(std::string_view api, const std::string& caller, const Push& push) {
  if (push.reason == PushReason::start) return issued(api, caller, push.request.user, push.config);
  metrics_.issued(push.config.cluster, push.config.region, api);
  if (logged_) ++round_[{push.config.cluster, push.config.region, push_reason_name(push.reason), api}];
}

void Audit::round_done() {
  for (const auto& [what, clients] : round_) {
    const auto& [cluster, region, reason, api] = what;
    log::info("credentials pushed",
              {{"reason", reason}, {"clients", clients}, {"api", api}, {"cluster", cluster}, {"region", region}});
  }
  round_.clear();
}

}  // namespace turnkeeper::monitor
