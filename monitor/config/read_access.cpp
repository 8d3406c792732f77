#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "monitor/config/reading.hpp"
#include "turnkeeper/http/cors.hpp"

namespace turnkeeper::monitor {
namespace {

using api::ObjectReader;

constexpr std::size_t most_origins = 64;
constexpr std::size_t most_proxies = 64;

// Followed by whoever uses it, so no change of it makes monitor.yaml be read again.
void read_followed_path(Reading& reading, ObjectReader& reader, const char* key, std::string& path) {
  std::string text;
  if (!reader.text(key, text, 4096) || text.empty()) return;
  path = reading.beside(text);
  if (::access(path.c_str(), R_OK) == 0) return;
  reading.report.add(reader.path_of(key), "'" + text + "' cannot be read: " + std::strerror(errno),
                     "check the path; it is looked up beside this file");
}

void read_jwt(Reading& reading, ObjectReader& reader, JwtConfig& jwt) {
  reader.require("jwks", "write a file, or the https:// URL of the keys that tokens are signed with");
  std::string jwks;
  reader.text("jwks", jwks, 4096);
  if (is_url(jwks)) {
    jwt.jwks = jwks;
  } else {
    read_followed_path(reading, reader, "jwks", jwt.jwks);
  }
  reading.read_authorities(reader, jwt.ca_file);
  reader.text("audience", jwt.rules.audience, 512);
  reader.text("issuer", jwt.rules.issuer, 512);
  reader.text(
      "userClaim", jwt.rules.user_claim, 128, [](std::string_view text) { return !text.empty(); }, "a claim");
  std::map<std::string, std::string> required;
  reader.text_map("require", required);
  jwt.rules.required.assign(required.begin(), required.end());
  if (auto sound = check_jwt(jwt); !sound) {
    reading.report.add(reader.path(), sound.error().message, sound.error().advice);
  }
  reader.finish();
}

void read_rate(Reading& reading, ObjectReader& reader, const char* key, std::optional<Rate>& rate) {
  std::string text;
  if (!reader.text(key, text, 64) || text.empty()) return;
  auto read = parse_rate(text);
  if (!read) return reading.report.add(reader.path_of(key), read.error().message, read.error().advice);
  rate = *read;
}

}  // namespace

void read_access(Reading& reading, ObjectReader& reader) {
  auto section = reader.object("access");
  if (!section) return;
  auto& access = reading.config.access;
  read_followed_path(reading, *section, "apiKeyFile", access.api_key_file);
  read_followed_path(reading, *section, "apiKeysFile", access.api_keys_file);
  section->boolean("anonymous", access.anonymous);
  if (auto jwt = section->object("jwt")) read_jwt(reading, *jwt, access.jwt.emplace());
  section->texts("origins", access.origins, most_origins, [](std::string_view text) -> Result<void> {
    const auto origin = http::Cors::parse({std::string(text)});
    if (!origin) return fail(origin.error());
    return {};
  });
  if (auto all = http::Cors::parse(access.origins); !all) {
    reading.report.add(section->path_of("origins"), all.error().message, all.error().advice);
  }
  if (auto limits = section->object("limits")) {
    read_rate(reading, *limits, "perCaller", access.per_caller);
    read_rate(reading, *limits, "perAddress", access.per_address);
    limits->finish();
  }
  std::vector<std::string> proxies;
  section->texts("trustedProxies", proxies, most_proxies, [](std::string_view text) -> Result<void> {
    const auto range = parse_range(text);
    if (!range) return fail(range.error());
    return {};
  });
  for (const auto& proxy : proxies) access.proxies.push_back(*parse_range(proxy));
  section->finish();
}

}  // namespace turnkeeper::monitor
