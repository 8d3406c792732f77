// A source of relays that are not ours: a vendor, or somebody else's TURN servers. Where it is asked, as whom, and how
// much its relays are probed.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "turnkeeper/api/turn_cluster.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

using api::ProviderUse;

struct ProviderConfig {
  using Type = api::ProviderType;

  std::string name;  // its relays are named after it
  Type type = Type::turn_rest;
  // The region of ours that its relays belong to, as if they were our own; empty: a region of their own, named after
  // the provider, where ProviderUse decides when clients are sent.
  std::string in_region;
  std::string url;              // of the API: "https://HOST[/PATH]"; empty: the vendor's own address
  std::vector<turn::Uri> uris;  // of static_list and shared_secret, always with a transport
  std::string account;          // Twilio's account SID, Cloudflare's key id, Xirsys's ident
  std::string user;     // turn-rest: whose credential it is; Twilio: an API key's SID in place of the account's;
                        // static_list: the user of its relays
  std::string channel;  // Xirsys
  std::string region;   // Metered; empty: the nearest
  // The vendor's token or key; may be empty for turn-rest only. static_list: the user's password or, without uris, a
  // JSON list of RTCIceServer objects. shared_secret: what its relays check user names with.
  Secret secret;
  std::chrono::seconds ttl{24 * 3600};  // asked for
  std::string ca_file;                  // PEM; empty: the system's authorities
  double cost_per_gigabyte = 0;
  // A full probe of each URL so often, and no canary; 0: probed as the cluster's own relays are.
  std::chrono::milliseconds probe_every = api::default_provider_probe;
  bool operator==(const ProviderConfig&) const = default;
};

// Of a provider that a TurnCluster names. An error when one of its urls is none.
[[nodiscard]] Result<ProviderConfig> provider_config(const api::Provider& provider, Secret secret);

}  // namespace turnkeeper::monitor
