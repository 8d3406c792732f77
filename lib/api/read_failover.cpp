#include "turnkeeper/api/read_failover.hpp"

#include <algorithm>

#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/provider_fields.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::api {
namespace {

constexpr const char* label_form =
    "lower-case letters, digits and '-', beginning with a letter and not ending with '-'";

Result<void> accept(bool valid, std::string_view text, const char* advice) {
  if (valid) return {};
  return fail(text.empty() ? "is empty" : "'" + std::string(text) + "' is not valid", advice);
}

constexpr const char* object_name_form = "the name of a Secret: lower-case letters, digits, '-' and '.'";
constexpr const char* secret_key_form = "the name of an entry of the Secret: letters, digits, '-', '_' and '.'";

void read_provider(ObjectReader& reader, Provider& provider) {
  reader.require("name", "give the provider a name, such as twilio");
  reader.text("name", provider.name, bounds::region_name_length, is_dns_label, label_form);
  reader.require("type", "write Twilio, Xirsys, Cloudflare, Metered, TurnRest, Static or SharedSecret");
  reader.choice("type", provider.type, provider_type_names);
  read_secret_reference(reader, "secretRef", default_provider_key, provider.secret);
  reader.text("account", provider.account, bounds::text_length);
  reader.text("username", provider.user, bounds::text_length);
  reader.text("channel", provider.channel, bounds::text_length);
  reader.text("region", provider.region, bounds::text_length);
  reader.text("url", provider.url, bounds::url_length, is_http_url, "https://HOST[/PATH]");
  reader.texts("urls", provider.urls, bounds::provider_urls, [](std::string_view text) {
    return accept(is_turn_server(text), text, "write turn:HOST:PORT?transport=udp, or turns: for TLS");
  });
  reader.duration("ttl", provider.ttl, bounds::credential_ttl);
  reader.amount("costPerGigabyte", provider.cost_per_gigabyte);
  reader.duration("probeEvery", provider.probe_every, bounds::provider_probe);
  reader.finish();
}

std::string field_of(std::size_t index) {
  return "spec.failover.providers[" + std::to_string(index) + ']';
}

void check_provider(const Provider& provider, const std::string& path, Problems& problems) {
  const auto check = [&](Need need, bool given, const char* field) {
    const std::string type(provider_type_name(provider.type));
    if (need == Need::required && !given) {
      problems.push_back({path, std::string(field) + " is missing", "a provider of type " + type + " needs it"});
    } else if (need == Need::none && given) {
      problems.push_back({path + '.' + field, "means nothing to a provider of type " + type, "leave it out"});
    }
  };
  const auto needs = provider_fields(provider.type);
  check(needs.secret, !provider.secret.name.empty(), "secretRef");
  check(needs.account, !provider.account.empty(), "account");
  check(needs.user, !provider.user.empty(), "username");
  check(needs.channel, !provider.channel.empty(), "channel");
  check(needs.region, !provider.region.empty(), "region");
  check(needs.url, !provider.url.empty(), "url");
  check(needs.urls, !provider.urls.empty(), "urls");
  if (provider.type == ProviderType::static_list && provider.urls.empty() != provider.user.empty()) {
    problems.push_back({path, provider.urls.empty() ? "has a username and no urls" : "has urls and no username",
                        "write both, or neither: then its secret is a JSON list of ICE servers"});
  }
}

}  // namespace

void read_secret_reference(ObjectReader& parent, const char* field, const char* default_key, SecretKeyRef& out) {
  auto reference = parent.object(field);
  if (!reference) return;
  reference->require("name", "name a Secret of the TurnCluster's namespace");
  reference->text("name", out.name, bounds::text_length, is_dns_name, object_name_form);
  if (default_key != nullptr) {
    out.key = default_key;
  } else {
    reference->require("key", "name the entry of the Secret that holds it");
  }
  reference->text("key", out.key, bounds::text_length, is_secret_key, secret_key_form);
  reference->finish();
}

void read_failover(ReadReport& report, ObjectReader& reader, Spec& spec) {
  if (const auto* list = reader.find_list("providers", 0, bounds::providers)) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      ObjectReader provider(report, (*list)[i], reader.item_path("providers", i));
      read_provider(provider, spec.failover.providers.emplace_back());
    }
  }
  reader.choice("use", spec.failover.use, provider_use_names);
  reader.texts("stunServers", spec.stun_servers, bounds::stun_servers, [](std::string_view text) {
    return accept(is_stun_server(text), text, "write stun:HOST:PORT, such as stun:stun.example.org:3478");
  });
  reader.finish();
}

void check_failover(const Spec& spec, Problems& problems) {
  const auto& providers = spec.failover.providers;
  for (std::size_t i = 0; i < providers.size(); ++i) {
    const auto& name = providers[i].name;
    const auto earlier = std::ranges::find(providers, name, &Provider::name) - providers.begin();
    const auto region = std::ranges::find(spec.regions, name, &Region::name) - spec.regions.begin();
    const bool is_region = region < static_cast<std::ptrdiff_t>(spec.regions.size());
    if (is_region || earlier < static_cast<std::ptrdiff_t>(i)) {
      const auto other =
          is_region ? "spec.regions[" + std::to_string(region) + ']' : field_of(static_cast<std::size_t>(earlier));
      problems.push_back({field_of(i) + ".name", "'" + name + "' is the name of " + other + " already",
                          "give each provider a name of its own, unlike those of the regions"});
    }
    check_provider(providers[i], field_of(i), problems);
    if (spec.failover.use == ProviderUse::cheapest && providers[i].cost_per_gigabyte <= 0) {
      problems.push_back({field_of(i), "nobody knows what it costs, and the cheapest is to be used",
                          "write costPerGigabyte, such as \"0.40\""});
    }
  }
}

}  // namespace turnkeeper::api
