#include "monitor/access/access_config.hpp"

#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::monitor {
namespace {

bool is_on_this_machine(std::string_view url) {
  for (const std::string_view start : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!url.starts_with(start)) continue;
    const auto rest = url.substr(start.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return rest.find('@') == std::string_view::npos;
  }
  return false;
}

}  // namespace

bool is_url(std::string_view jwks) {
  return jwks.starts_with("https://") || jwks.starts_with("http://");
}

Result<void> check_jwt(const JwtConfig& config) {
  if (is_url(config.jwks) && !api::is_http_url(config.jwks)) {
    return fail("'" + config.jwks + "' leads nowhere", "write https://HOST[:PORT]/PATH");
  }
  if (config.jwks.starts_with("http://") && !is_on_this_machine(config.jwks)) {
    return fail("keys from '" + config.jwks + "' could be anybody's: nothing protects them on their way",
                "use https://, or give the JWKS as a file");
  }
  if (config.rules.audience.empty() && config.rules.issuer.empty()) {
    return fail("tokens that were made for something else would be let in",
                "say for whom they are (audience) or who made them (issuer)");
  }
  return {};
}

}  // namespace turnkeeper::monitor
