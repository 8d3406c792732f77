#include "monitor/access/gate.hpp"

namespace turnkeeper::monitor {

tl::expected<Caller, Refusal> Gate::admit(const Presented& presented) const {
  const auto refuse = [](std::string reason, Error error) {
    return tl::unexpected(Refusal{.reason = std::move(reason), .error = std::move(error), .retry_after = {}});
  };
  if (!options_.key) {
    if (options_.anonymous) return Caller{.name = "anonymous", .user = {}, .anonymous = true};
    return refuse("closed", {"this monitor gives no credentials to strangers",
                             "start it with --api-key-file, or with --allow-anonymous if its network is trusted"});
  }
  if (presented.key == *options_.key) return Caller{.name = "key", .user = {}};
  return refuse(presented.key.empty() ? "missing" : "unknown",
                {presented.key.empty() ? "the request has no API key" : "the API key is not the right one",
                 "send Authorization: Bearer KEY with the key of --api-key-file"});
}

bool is_loopback(const std::string& listen_address) {
  return listen_address.starts_with("127.") || listen_address.starts_with("[::1]:") ||
         listen_address.starts_with("localhost:") || listen_address.starts_with("unix:");
}

}  // namespace turnkeeper::monitor
