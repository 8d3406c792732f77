// `servers:` of monitor.yaml.
#include <algorithm>

#include "monitor/config/reading.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::monitor {
namespace {

namespace bounds = api::bounds;
using api::ObjectReader;

constexpr std::size_t max_servers = 1000;
constexpr std::size_t max_urls = 8;
constexpr std::size_t max_old_secrets = 4;
constexpr const char* url_form = "write turn:HOST:PORT?transport=udp";

void read_urls(Reading& reading, ObjectReader& server, Relay& relay) {
  const auto* one = server.find("url");
  const auto* many = server.find("urls");
  if ((one == nullptr) == (many == nullptr)) {
    return reading.report.add(server.path(), one ? "has both url and urls" : "has no URL",
                              one ? "write all of them into urls" : "write url, such as turn:HOST:PORT?transport=udp");
  }
  const auto add = [&](const std::string& text, const std::string& field) {
    auto uri = turn_url(text);
    if (!uri) return reading.report.add(field, uri.error().message, uri.error().advice);
    if (std::ranges::count(relay.uris, *uri) > 0) {
      return reading.report.add(field, "'" + text + "' is listed twice", "keep one of the two");
    }
    relay.uris.push_back(std::move(*uri));
  };
  if (one != nullptr) {
    std::string text;
    if (server.text("url", text, 512)) add(text, server.path_of("url"));
  } else if (const auto* list = server.find_list("urls", 1, max_urls)) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string field = server.item_path("urls", i);
      if ((*list)[i].is_string()) {
        add((*list)[i].get<std::string>(), field);
      } else {
        reading.report.add(field, "is " + api::type_text((*list)[i]), url_form);
      }
    }
  }
}

void read_static(Reading& reading, ObjectReader& server, Relay& relay) {
  server.require("username", "write the user that the password belongs to");
  StaticCredential credential;
  server.text("username", credential.username, 508);
  std::string password;
  if (server.text("password", password, 763) && !password.empty()) credential.password = Secret(std::move(password));
  const bool in_file = server.find("passwordFile") != nullptr;
  if (in_file != credential.password.empty()) {
    reading.report.add(server.path(), in_file ? "has both password and passwordFile" : "has no password",
                       "write passwordFile: the path of a file that holds the user's password");
  }
  if (auto from_file = reading.read_secret(server, "passwordFile")) credential.password = std::move(*from_file);
  relay.credential = std::move(credential);
}

void read_shared(Reading& reading, ObjectReader& server, Relay& relay) {
  SharedSecret shared;
  if (auto secret = reading.read_secret(server, "secretFile")) shared.secret = std::move(*secret);
  std::vector<std::string> old;
  server.texts("oldSecretFiles", old, max_old_secrets, [](std::string_view) { return Result<void>(); });
  for (std::size_t i = 0; i < old.size(); ++i) {
    const std::string field = server.item_path("oldSecretFiles", i);
    auto secret = reading.read_secret(old[i], field);
    if (!secret) continue;
    if (*secret == shared.secret) {
      reading.report.add(field, "'" + old[i] + "' holds the present secret", "name the files of retired secrets only");
    }
    shared.old.push_back(std::move(*secret));
  }
  relay.credential = std::move(shared);
}

void read_allowed_peers(ObjectReader& server, Relay& relay) {
  std::vector<std::string> ranges;
  server.texts("allowedPeers", ranges, bounds::peers, [](std::string_view text) -> Result<void> {
    if (auto range = parse_range(text); !range) return fail(range.error());
    return {};
  });
  for (const auto& text : ranges) {
    if (const auto range = parse_range(text)) relay.allowed_peers.push_back(*range);
  }
}

void read_server(Reading& reading, const nlohmann::json& value, const std::string& path) {
  ObjectReader server(reading.report, value, path);
  Relay relay;
  std::string region;
  const char* label = "lower-case letters, digits and '-', starting with a letter";
  server.require("name", "give the server a name, such as eu-0");
  server.text("name", relay.name, 63, api::is_dns_label, label);
  server.require("region", "write the region that it stands in, such as eu");
  server.text("region", region, bounds::region_name_length, api::is_dns_label, label);
  if (!relay.name.empty() && !reading.names.insert(relay.name).second) {
    reading.report.add(server.path_of("name"), "'" + relay.name + "' is the name of another server already",
                       "give each server its own name");
  }
  auto& regions = reading.cluster().regions;
  auto found = std::ranges::find(regions, region, &Region::name);
  if (found == regions.end()) found = regions.insert(regions.end(), Region{.name = region});

  const bool shared = server.find("secretFile") != nullptr;
  const bool fixed = server.find("username") || server.find("password") || server.find("passwordFile");
  const bool provided = server.find("provider") != nullptr;
  if (shared + fixed + provided != 1) {
    reading.report.add(server.path(),
                       shared || fixed || provided ? "has several kinds of credential" : "has no credential",
                       "write secretFile, or username and passwordFile, or provider");
  }
  if (provided) {
    // One of our own to clients, and so probed as our own unless it says otherwise.
    ProviderConfig provider{.name = relay.name, .in_region = region, .probe_every = {}};
    if (auto of_server = server.object("provider")) read_provider(reading, *of_server, provider);
    reading.cluster().providers.push_back(std::move(provider));
    return server.finish();
  }
  read_urls(reading, server, relay);
  if (shared && !fixed) read_shared(reading, server, relay);
  if (fixed && !shared) read_static(reading, server, relay);
  std::string address;
  if (server.text("publicAddress", address, 64)) {
    const auto parsed = turn::SocketAddress::from_ip(address, 0);
    if (parsed) {
      relay.public_addresses = {parsed->ip_string()};
    } else {
      reading.report.add(server.path_of("publicAddress"), "'" + address + "' is not an IP address",
                         "write the address that relayed addresses must have, such as 192.0.2.1");
    }
  }
  read_allowed_peers(server, relay);
  server.finish();
  found->relays.push_back(std::move(relay));
}

}  // namespace

Result<turn::Uri> turn_url(const std::string& text) {
  auto uri = turn::Uri::parse(text);
  if (!uri) return fail(uri.error().message, url_form);
  const bool secure = uri->scheme == turn::Uri::Scheme::turns;
  if (uri->scheme != turn::Uri::Scheme::turn && !secure) return fail("'" + text + "' is not a TURN URL", url_form);
  return with_transport(std::move(*uri));
}

void read_servers(Reading& reading, ObjectReader& reader) {
  if (reader.find("failover") == nullptr) reader.require("servers", "list the TURN servers to watch");
  const auto* servers = reader.find_list("servers", 1, max_servers);
  if (servers == nullptr) return;
  for (std::size_t i = 0; i < servers->size(); ++i) {
    read_server(reading, (*servers)[i], reader.item_path("servers", i));
  }
}

}  // namespace turnkeeper::monitor
