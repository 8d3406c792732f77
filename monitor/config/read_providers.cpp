// Providers in monitor.yaml: `failover:`, and `provider:` of a server.
#include <algorithm>

#include "monitor/config/reading.hpp"
#include "monitor/provider/provider_config.hpp"
#include "monitor/provider/vendors.hpp"
#include "turnkeeper/api/provider_fields.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::monitor {
namespace {

namespace bounds = api::bounds;
using api::Need;
using api::ObjectReader;
using Type = ProviderConfig::Type;

constexpr std::array<std::pair<std::string_view, ProviderUse>, 3> provider_uses{
    {{"fallback", ProviderUse::fallback}, {"only", ProviderUse::only}, {"cheapest", ProviderUse::cheapest}}};

// What the vendor's console calls it, which is taken as well.
const char* vendors_word_for_account(Type type) {
  if (type == Type::twilio) return "accountSid";
  return type == Type::cloudflare ? "keyId" : "ident";
}

void read_urls(Reading& reading, ObjectReader& reader, ProviderConfig& provider) {
  std::vector<std::string> urls;
  reader.texts("urls", urls, bounds::provider_urls, [](std::string_view text) -> Result<void> {
    if (auto uri = turn_url(std::string(text)); !uri) return fail(uri.error());
    return {};
  });
  for (const auto& text : urls) {
    if (auto uri = turn_url(text)) provider.uris.push_back(std::move(*uri));
  }
  if (provider.type != Type::static_list || provider.uris.empty() == provider.user.empty()) return;
  reading.report.add(reader.path(), provider.uris.empty() ? "has a username and no urls" : "has urls and no username",
                     "write both, or neither: then its secret is a JSON list of ICE servers");
}

void read_fields(Reading& reading, ObjectReader& reader, ProviderConfig& provider) {
  const auto needs = api::provider_fields(provider.type);
  const auto text = [&](Need need, const char* key, std::string& to) {
    if (need == Need::none) return;  // and reported as unknown
    if (need == Need::required) reader.require(key, "write it as the vendor's console shows it");
    reader.text(key, to, bounds::text_length);
  };
  const char* own_word = vendors_word_for_account(provider.type);
  text(needs.account, reader.find("account") != nullptr ? "account" : own_word, provider.account);
  const bool api_key = provider.type == Type::twilio && reader.find("apiKeySid") != nullptr;
  text(needs.user, api_key ? "apiKeySid" : "username", provider.user);
  text(needs.channel, "channel", provider.channel);
  text(needs.region, "region", provider.region);
  if (needs.url == Need::required) reader.require("url", "write the API's address, https://HOST[/PATH]");
  if (needs.url != Need::none) {
    reader.text("url", provider.url, bounds::url_length, api::is_http_url, "https://HOST[/PATH]");
  }
  if (needs.urls == Need::required) reader.require("urls", "list the TURN servers, such as turn:HOST:PORT");
  if (needs.urls != Need::none) read_urls(reading, reader, provider);
  if (needs.secret == Need::required) reader.require("secretFile", "name the file that holds the provider's secret");
  if (auto secret = reading.read_secret(reader, "secretFile")) provider.secret = std::move(*secret);
  if (needs.ttl != Need::none) reader.duration("ttl", provider.ttl, bounds::credential_ttl);
  if (is_credential_api(provider.type)) reading.read_path(reader, "caFile", provider.ca_file);
}

}  // namespace

void read_provider(Reading& reading, ObjectReader& reader, ProviderConfig& provider) {
  const auto problems = reading.report.problems.size();
  reader.require("type", "write turn-rest, twilio, metered, xirsys, cloudflare, static or shared-secret");
  reader.choice("type", provider.type, provider_types);
  if (reading.report.problems.size() > problems) return;  // which keys there are depends on the type
  read_fields(reading, reader, provider);
  reader.amount("costPerGigabyte", provider.cost_per_gigabyte);
  reader.duration("probeEvery", provider.probe_every, bounds::provider_probe);
  reader.finish();
  if (is_credential_api(provider.type) || reading.report.problems.size() > problems) return;
  if (auto given = given_servers(provider); !given) {
    reading.report.add(reader.path(), given.error().message, given.error().advice);
  }
}

void read_failover(Reading& reading, ObjectReader& reader) {
  auto failover = reader.object("failover");
  if (!failover) return;
  auto& cluster = reading.cluster();
  double own_cost = 0;
  failover->choice("use", cluster.provider_use, provider_uses);
  failover->amount("costPerGigabyte", own_cost);
  for (auto& region : cluster.regions) region.cost_per_gigabyte = own_cost;
  const auto* list = failover->find_list("providers", 0, bounds::providers);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader item(reading.report, (*list)[i], failover->item_path("providers", i));
    ProviderConfig provider;
    item.require("name", "give the provider a name, such as twilio");
    item.text("name", provider.name, bounds::region_name_length, api::is_dns_label,
              "lower-case letters, digits and '-', starting with a letter");
    const bool is_region = std::ranges::find(cluster.regions, provider.name, &Region::name) != cluster.regions.end();
    if (!provider.name.empty() && (is_region || !reading.names.insert(provider.name).second)) {
      reading.report.add(item.path_of("name"),
                         "'" + provider.name + "' is the name of another region, server or provider",
                         "give each its own name");
    }
    read_provider(reading, item, provider);
    if (cluster.provider_use == ProviderUse::cheapest && provider.cost_per_gigabyte <= 0) {
      reading.report.add(item.path(), "nobody knows what it costs, and the cheapest is to be used",
                         "write costPerGigabyte, such as \"0.40\"");
    }
    cluster.providers.push_back(std::move(provider));
  }
  failover->finish();
}

}  // namespace turnkeeper::monitor
