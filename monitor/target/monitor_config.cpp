#include "monitor/target/monitor_config.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "turnkeeper/api/object_reader.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

namespace bounds = api::bounds;
using api::ObjectReader;
using api::ReadReport;

constexpr std::size_t max_servers = 200;

struct Reading {
  ReadReport& report;
  std::filesystem::path folder;  // of monitor.yaml
  Cluster& cluster;
  std::set<std::string> names;
};

std::optional<Secret> read_secret(Reading& reading, ObjectReader& server, const char* key) {
  std::string path;
  if (!server.text(key, path, 4096) || path.empty()) return std::nullopt;
  auto secret = Secret::from_file((reading.folder / path).string());
  if (!secret) {
    reading.report.add(server.path_of(key), secret.error().message, secret.error().advice);
    return std::nullopt;
  }
  if (secret->empty()) {
    reading.report.add(server.path_of(key), "'" + path + "' is empty", "write the secret into it");
    return std::nullopt;
  }
  return std::move(*secret);
}

void read_url(Reading& reading, ObjectReader& server, Relay& relay) {
  server.require("url", "write turn:HOST:PORT?transport=udp");
  std::string text;
  if (!server.text("url", text, 512)) return;
  const auto uri = turn::Uri::parse(text);
  if (!uri) return reading.report.add(server.path_of("url"), uri.error().message, "write turn:HOST:PORT?transport=udp");
  if (uri->scheme != turn::Uri::Scheme::turn) {
    return reading.report.add(server.path_of("url"), "'" + text + "' is not a turn: URL",
                              "write turn:HOST:PORT?transport=udp");
  }
  if (uri->transport == turn::Uri::Transport::tcp) {
    return reading.report.add(server.path_of("url"), "relays are probed over UDP only", "write ?transport=udp");
  }
  relay.host = uri->host;
  relay.port = uri->port;
}

void read_credential(Reading& reading, ObjectReader& server, Relay& relay) {
  const bool shared = server.find("secretFile") != nullptr;
  const bool fixed = server.find("username") != nullptr || server.find("passwordFile") != nullptr;
  if (shared == fixed) {
    return reading.report.add(server.path(), shared ? "has two kinds of credential" : "has no credential",
                              "write secretFile, or username and passwordFile");
  }
  if (fixed) {
    server.require("username", "write the user that passwordFile belongs to");
    server.require("passwordFile", "write the path of a file that holds the user's password");
    StaticCredential credential;
    server.text("username", credential.username, 508);
    if (auto password = read_secret(reading, server, "passwordFile")) credential.password = std::move(*password);
    relay.static_credential = std::move(credential);
    return;
  }
  auto secret = read_secret(reading, server, "secretFile");
  if (!secret) return;
  auto& keys = reading.cluster.signing_keys;
  if (keys.empty()) {
    keys.push_back({.id = "file", .secret = std::move(*secret), .phase = api::SigningKey::Phase::issuing});
  } else if (!(keys.front().secret == *secret)) {
    reading.report.add(server.path_of("secretFile"), "holds another secret than the servers before",
                       "watch servers with another secret by a monitor of their own");
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
  read_url(reading, server, relay);
  read_credential(reading, server, relay);
  server.finish();
  if (!relay.name.empty() && !reading.names.insert(relay.name).second) {
    reading.report.add(server.path_of("name"), "'" + relay.name + "' is the name of another server already",
                       "give each server its own name");
  }
  auto& regions = reading.cluster.regions;
  auto found = std::ranges::find(regions, region, &Region::name);
  if (found == regions.end()) found = regions.insert(regions.end(), Region{.name = region});
  found->relays.push_back(std::move(relay));
}

void read_monitor(Reading& reading, const nlohmann::json& value, MonitorConfig& config) {
  ObjectReader reader(reading.report, value, "");
  auto& cluster = reading.cluster;
  cluster.name = "default";
  reader.text("vantage", config.vantage, 63);
  reader.text("cluster", cluster.name, 127, api::is_dns_label, "a name such as calls");
  if (auto probing = reader.object("probing")) {
    probing->duration("canary", cluster.probing.canary, bounds::canary);
    probing->integer("misses", cluster.probing.misses, bounds::misses);
    probing->duration("full", cluster.probing.full, bounds::full_probe);
    probing->finish();
  }
  if (auto credentials = reader.object("credentials")) {
    credentials->duration("ttl", cluster.credential_ttl, bounds::credential_ttl);
    credentials->finish();
  }
  reader.texts("stunServers", cluster.stun_servers, bounds::stun_servers, [](std::string_view text) -> Result<void> {
    if (api::is_stun_server(text)) return {};
    return fail("'" + std::string(text) + "' is not a STUN server", "write stun:HOST:PORT");
  });
  reader.require("servers", "list the TURN servers to watch");
  if (const auto* servers = reader.find_list("servers", 1, max_servers)) {
    for (std::size_t i = 0; i < servers->size(); ++i) {
      read_server(reading, (*servers)[i], reader.item_path("servers", i));
    }
  }
  reader.finish();
}

}  // namespace

tl::expected<MonitorConfig, api::Problems> load_monitor_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return tl::unexpected(api::Problems{
        {"", std::string("cannot be read: ") + std::strerror(errno), "check the path and that you may read it"}});
  }
  auto document = api::read_yaml(text.str());
  if (!document) return tl::unexpected(api::Problems{std::move(document.error())});
  ReadReport report{.problems = std::move(document->problems), .places = &document->places, .strict = true};
  MonitorConfig config;
  Reading reading{report, std::filesystem::path(path).parent_path(), config.fleet.clusters.emplace_back(), {}};
  read_monitor(reading, document->value, config);
  if (report.problems.empty()) return config;
  std::ranges::stable_sort(report.problems, [](const api::Problem& a, const api::Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return tl::unexpected(std::move(report.problems));
}

}  // namespace turnkeeper::monitor
