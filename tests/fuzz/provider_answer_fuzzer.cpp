// What a credential API answers, and a static list: the first byte chooses the vendor, the second the status. Whatever
// is taken from it can be dialled and expires.
#include <string>

#include "monitor/provider/vendors.hpp"
#include "require.hpp"

using namespace turnkeeper;
using namespace turnkeeper::monitor;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const SystemTime now{std::chrono::seconds(1'700'000'000)};
  ProviderConfig config{.name = "p", .type = static_cast<ProviderConfig::Type>(data[0] % 7)};
  std::string body(reinterpret_cast<const char*>(data + 2), size - 2);
  const auto provided = [&]() -> Result<Provided> {
    if (is_credential_api(config.type)) {
      return read_answer(config, {.status = 200 + data[1] % 4 * 100, .reason = "X", .body = std::move(body)}, now);
    }
    config.type = ProviderConfig::Type::static_list;
    config.secret = Secret(std::move(body));
    return given_servers(config);
  }();
  if (!provided) {
    require(!provided.error().message.empty(), "a refusal says why");
    return 0;
  }
  require(!provided->servers.empty(), "an answer names a server");
  require(provided->expires > now, "a credential that is over already is none");
  for (const auto& server : provided->servers) {
    require(!server.username.empty() && !server.password.empty(), "each has a user and a password");
    require(!server.uris.empty(), "each has a URI");
    for (const auto& uri : server.uris) {
      require(uri.protocol().has_value() && uri.host == server.uris[0].host, "of one host, each with its transport");
    }
  }
  return 0;
}
