#include "monitor/provider/environment.hpp"

#include <algorithm>

#include "monitor/provider/provider_config.hpp"
#include "monitor/provider/vendors.hpp"
#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/provider_fields.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Need;

constexpr const char* own_region = "default";

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + ' ') {
    if (c != ' ' && c != ',' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

class Variables {
 public:
  explicit Variables(const Environment& environment) : environment_(environment) {}

  [[nodiscard]] std::string get(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr ? "" : value;
  }

  [[nodiscard]] Result<std::vector<turn::Uri>> uris() const {
    std::vector<turn::Uri> uris;
    for (const auto& text : words_of(get("TURN_URLS"))) {
      if (!api::is_turn_server(text)) {
        return fail("TURN_URLS: '" + text + "' is not a TURN URL", "write turn:HOST:PORT?transport=udp");
      }
      auto uri = turn::Uri::parse(text);
      if (!uri) return fail(uri.error().within("TURN_URLS"));
      uris.push_back(with_transport(std::move(*uri)));
    }
    return uris;
  }

  [[nodiscard]] Result<Secret> secret() const {
    const auto path = get("TURN_SECRET_FILE");
    if (path.empty()) return Secret();
    auto secret = Secret::from_file(path);
    if (!secret) return fail(secret.error().within("TURN_SECRET_FILE"));
    if (secret->empty()) return fail("TURN_SECRET_FILE: '" + path + "' is empty", "write the secret into it");
    return secret;
  }

  // Left as it is when it is not set.
  template <class D>
  [[nodiscard]] Result<void> read(const char* name, D& to, api::bounds::Bounds<D> allowed) const {
    const auto text = get(name);
    if (text.empty()) return {};
    const auto duration = api::parse_duration(text);
    if (!duration) return fail(duration.error().within(name));
    if (*duration < allowed.min || *duration > allowed.max) {
      return fail(
          std::string(name) + ": " + text + " is out of range",
          "write a duration from " + api::duration_text(allowed.min) + " to " + api::duration_text(allowed.max));
    }
    to = std::chrono::duration_cast<D>(*duration);
    return {};
  }

 private:
  const Environment& environment_;
};

Result<ProviderConfig> read_provider(const Variables& variables, ProviderConfig::Type type) {
  ProviderConfig provider{.name = std::string(provider_type_name(type)), .type = type};
  const auto needs = api::provider_fields(type);
  std::string missing;
  const auto given = [&](Need need, const char* name, bool there) {
    if (need == Need::required && !there) missing += (missing.empty() ? "" : ", ") + std::string(name);
  };
  const auto text = [&](Need need, const char* name, std::string& to) {
    if (need == Need::none) return;
    to = variables.get(name);
    given(need, name, !to.empty());
  };
  text(needs.account, "TURN_ACCOUNT", provider.account);
  text(needs.user, "TURN_USERNAME", provider.user);
  text(needs.channel, "TURN_CHANNEL", provider.channel);
  text(needs.region, "TURN_REGION", provider.region);
  text(needs.url, "TURN_API_URL", provider.url);
  if (!provider.url.empty() && !api::is_http_url(provider.url)) {
    return fail("TURN_API_URL: '" + provider.url + "' is no URL", "write https://HOST[/PATH]");
  }
  if (needs.urls != Need::none) {
    auto uris = variables.uris();
    if (!uris) return fail(uris.error());
    provider.uris = std::move(*uris);
    given(needs.urls, "TURN_URLS", !provider.uris.empty());
  }
  auto secret = variables.secret();
  if (!secret) return fail(secret.error());
  provider.secret = std::move(*secret);
  given(needs.secret, "TURN_SECRET_FILE", !provider.secret.empty());
  if (!missing.empty()) return fail("TURN_PROVIDER=" + provider.name + " needs " + missing, "set it, or all of them");
  if (auto read = variables.read("TURN_TTL", provider.ttl, api::bounds::credential_ttl); !read)
    return fail(read.error());
  if (auto read = variables.read("TURN_PROBE_EVERY", provider.probe_every, api::bounds::provider_probe); !read) {
    return fail(read.error());
  }
  if (!is_credential_api(type)) {
    if (auto servers = given_servers(provider); !servers) return fail(servers.error());
  }
  return provider;
}

Result<void> keep_own(const Variables& variables, Cluster& cluster) {
  cluster.providers.clear();
  auto uris = variables.uris();
  if (!uris) return fail(uris.error());
  if (uris->empty()) {
    if (!cluster.regions.empty()) return {};
    return fail("TURN_PROVIDER=coturn names no relay", "set TURN_URLS and TURN_SECRET_FILE");
  }
  if (!cluster.regions.empty()) return fail("TURN_URLS: this cluster has relays of its own", "leave it out");
  const auto secret = variables.secret();
  if (!secret) return fail(secret.error());
  if (secret->empty()) return fail("TURN_PROVIDER=coturn needs TURN_SECRET_FILE", "name the file with coturn's secret");
  Region& region = cluster.regions.emplace_back(Region{.name = own_region});
  for (auto& uri : *uris) {
    const auto same = std::ranges::find(region.relays, uri.host, [](const Relay& relay) { return relay.uris[0].host; });
    Relay& relay = same != region.relays.end() ? *same : region.relays.emplace_back();
    if (relay.uris.empty()) {
      relay.name = "coturn-" + std::to_string(region.relays.size() - 1);
      relay.credential = SharedSecret{.secret = *secret, .old = {}};
    }
    relay.uris.push_back(std::move(uri));
  }
  return {};
}

}  // namespace

Result<bool> apply_environment(const Environment& environment, Cluster& cluster) {
  const Variables variables(environment);
  const auto name = variables.get("TURN_PROVIDER");
  if (name.empty()) return false;
  for (const auto& server : words_of(variables.get("TURN_STUN_SERVERS"))) {
    if (!api::is_stun_server(server)) {
      return fail("TURN_STUN_SERVERS: '" + server + "' is no STUN server", "write stun:HOST:PORT");
    }
    if (std::ranges::count(cluster.stun_servers, server) == 0) cluster.stun_servers.push_back(server);
  }
  if (name == "none") {
    cluster.regions.clear();
    cluster.providers.clear();
    return true;
  }
  if (name == "coturn") {
    if (auto kept = keep_own(variables, cluster); !kept) return fail(kept.error());
    return true;
  }
  const auto type = std::ranges::find(provider_types, name, [](const auto& entry) { return entry.first; });
  if (type == provider_types.end()) {
    std::string names = "coturn, none";
    for (const auto& [known, unused] : provider_types) names += ", " + std::string(known);
    return fail("TURN_PROVIDER: there is no " + name, "set it to one of " + names);
  }
  auto provider = read_provider(variables, type->second);
  if (!provider) return fail(provider.error());
  cluster.providers = {std::move(*provider)};
  cluster.provider_use = ProviderUse::only;
  return true;
}

}  // namespace turnkeeper::monitor
