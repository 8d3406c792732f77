#include "monitor/target/provider_config.hpp"

#include "monitor/target/fleet.hpp"

namespace turnkeeper::monitor {

Result<ProviderConfig> provider_config(const api::Provider& provider, Secret secret) {
  ProviderConfig config{.name = provider.name,
                        .type = provider.type,
                        .in_region = "",
                        .url = provider.url,
                        .uris = {},
                        .account = provider.account,
                        .user = provider.user,
                        .channel = provider.channel,
                        .region = provider.region,
                        .secret = std::move(secret),
                        .ttl = provider.ttl,
                        .ca_file = "",
                        .cost_per_gigabyte = provider.cost_per_gigabyte,
                        .probe_every = provider.probe_every};
  for (const auto& text : provider.urls) {
    auto uri = turn::Uri::parse(text);
    if (!uri) return fail(uri.error().within("provider " + provider.name));
    config.uris.push_back(with_transport(std::move(*uri)));
  }
  return config;
}

}  // namespace turnkeeper::monitor
