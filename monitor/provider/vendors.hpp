// What each credential API is asked, and what its answer means; and the same for servers that need no asking. Pure.
//
//   auto response = rest::send(provider_request(config), deadline, stop);
//   if (response) auto provided = read_answer(config, *response, clock.system());
#pragma once

#include <string>
#include <vector>

#include "monitor/provider/provider_config.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/rest/send.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

struct Provided {
  struct Server {
    std::vector<turn::Uri> uris;  // "turn" and "turns", always with a transport; of one host
    std::string username;
    Secret password;
    bool operator==(const Server&) const = default;
  };
  std::vector<Server> servers;  // one at least; one for each host
  SystemTime expires;
};

[[nodiscard]] bool is_credential_api(ProviderConfig::Type type);

// Of a credential API.
[[nodiscard]] rest::Request provider_request(const ProviderConfig& config);

// Of a static list, or of servers with a shared secret, which have no user here; they never expire. Errors: the list is
// not what RTCPeerConnection takes, or names no TURN server with a user and a password.
[[nodiscard]] Result<Provided> given_servers(const ProviderConfig& config);

// STUN servers and URLs that make no sense are left out. Errors: a refusal, with what the API said; an answer without a
// TURN server; one that is not what the API documents.
[[nodiscard]] Result<Provided> read_answer(const ProviderConfig& config, const rest::Response& response,
                                           SystemTime now);

}  // namespace turnkeeper::monitor
