#include "monitor/run/access_flags.hpp"

#include <CLI/CLI.hpp>

#include "monitor/access/access_files.hpp"
#include "turnkeeper/http/cors.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {
namespace {

void take(const std::string& flag, std::string& to) {
  if (!flag.empty()) to = flag;
}

Result<void> take_rate(const std::string& flag, const char* name, std::optional<Rate>& to) {
  if (flag.empty()) return {};
  const auto rate = parse_rate(flag);
  if (!rate) return fail(rate.error().within(name));
  to = *rate;
  return {};
}

Result<void> take_jwt(const AccessFlags& flags, std::optional<JwtConfig>& to) {
  if (!flags.jwks.empty() && !to) to.emplace();
  if (!to) {
    const bool rules = !flags.jwt_audience.empty() || !flags.jwt_issuer.empty() || !flags.jwt_user_claim.empty() ||
                       !flags.jwt_required.empty();
    if (rules) return fail("--jwt-* say what tokens must be like, and nobody may show any", "give --jwt-jwks too");
    return {};
  }
  take(flags.jwks, to->jwks);
  take(flags.jwt_ca_file, to->ca_file);
  take(flags.jwt_audience, to->rules.audience);
  take(flags.jwt_issuer, to->rules.issuer);
  take(flags.jwt_user_claim, to->rules.user_claim);
  if (!flags.jwt_required.empty()) to->rules.required.clear();
  for (const auto& claim : flags.jwt_required) {
    const auto equals = claim.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return fail("--jwt-require " + claim + " is no claim with its value", "write CLAIM=VALUE, such as plan=pro");
    }
    to->rules.required.emplace_back(claim.substr(0, equals), claim.substr(equals + 1));
  }
  auto sound = check_jwt(*to);
  if (!sound) return fail(sound.error().within("--jwt-jwks"));
  return {};
}

}  // namespace

void declare_access(CLI::App& app, AccessFlags& flags) {
  const std::string group = "Who may ask for credentials";
  const auto text = [&](const char* name, std::string& to, const char* help, const char* type) {
    return app.add_option(name, to, help)->type_name(type)->group(group);
  };
  text("--api-key-file", flags.api_key_file, "Whoever sends the key in it as Authorization: Bearer KEY", "FILE");
  text("--api-keys-file", flags.api_keys_file,
       "Whoever has a key whose hash is in it; lines as `turnctl api-key NAME` makes them, read again when they change",
       "FILE");
  auto* jwks = text("--jwt-jwks", flags.jwks,
                    "Whoever sends a JSON Web Token (HS256, RS256, ES256) signed with a key of this set", "FILE|URL");
  text("--jwt-audience", flags.jwt_audience, "... that is for this audience (aud)", "NAME");
  text("--jwt-issuer", flags.jwt_issuer, "... that was made by this issuer (iss)", "NAME");
  text("--jwt-user-claim", flags.jwt_user_claim, "The claim that names the user [sub]", "CLAIM");
  app.add_option("--jwt-require", flags.jwt_required, "A claim that it must have; may be given several times")
      ->type_name("CLAIM=VALUE")
      ->group(group);
  text("--jwt-ca", flags.jwt_ca_file, "Who signs the certificate of that URL [the system's authorities]", "FILE")
      ->needs(jwks);
  app.add_flag("--allow-anonymous", flags.anonymous, "Anybody, where neither keys nor tokens are asked for")
      ->group(group);
  app.add_option("--allow-origin", flags.origins,
                 "Pages of this origin may ask (CORS); * for all; may be given several times")
      ->type_name("ORIGIN")
      ->group(group);
  text("--rate-limit-per-caller", flags.per_caller, "How often one key, or one user of tokens, may ask [off]",
       "N/s[:BURST]");
  text("--rate-limit-per-address", flags.per_address, "How often one address (of IPv6: one /64) may ask [off]",
       "N/s[:BURST]");
  app.add_option("--trusted-proxy", flags.proxies,
                 "Whose X-Forwarded-For is believed: an address or range; may be given several times")
      ->type_name("CIDR")
      ->group(group);
}

Result<AccessConfig> access_config(const AccessFlags& flags, AccessConfig config) {
  take(flags.api_key_file, config.api_key_file);
  take(flags.api_keys_file, config.api_keys_file);
  config.anonymous = config.anonymous || flags.anonymous;
  if (auto taken = take_jwt(flags, config.jwt); !taken) return fail(taken.error());
  if (!flags.origins.empty()) config.origins = flags.origins;
  if (const auto origins = http::Cors::parse(config.origins); !origins) return fail(origins.error());
  if (auto taken = take_rate(flags.per_caller, "--rate-limit-per-caller", config.per_caller); !taken) {
    return fail(taken.error());
  }
  if (auto taken = take_rate(flags.per_address, "--rate-limit-per-address", config.per_address); !taken) {
    return fail(taken.error());
  }
  if (!flags.proxies.empty()) config.proxies.clear();
  for (const auto& proxy : flags.proxies) {
    const auto range = parse_range(proxy);
    if (!range) return fail(range.error().within("--trusted-proxy"));
    config.proxies.push_back(*range);
  }
  if (!flags.jwt_ca_file.empty()) {
    const auto trusted = turn::make_tls_context({.ca_file = flags.jwt_ca_file});
    if (!trusted) return fail(trusted.error().within("--jwt-ca"));
  }
  if (auto readable = read_access_files(config); !readable) return fail(readable.error());
  return config;
}

}  // namespace turnkeeper::monitor
