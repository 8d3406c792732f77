#include "monitor/config/monitor_config.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "monitor/config/reading.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {
namespace {

namespace bounds = api::bounds;
using api::ObjectReader;

void read_probing(Reading& reading, ObjectReader& reader) {
  auto probing = reader.object("probing");
  if (!probing) return;
  auto& to = reading.cluster().probing;
  probing->duration("canary", to.canary, bounds::canary);
  probing->integer("misses", to.misses, bounds::misses);
  probing->duration("full", to.full, bounds::full_probe);
  probing->boolean("checks", reading.config.checks);
  probing->boolean("mtu", reading.config.mtu);
  read_throughput(*probing, reading.config.throughput);
  probing->finish();
}

void read_uptime(Reading& reading, ObjectReader& reader) {
  auto uptime = reader.object("uptime");
  if (!uptime) return;
  if (const auto* target = uptime->find("target")) {
    const bool sound = target->is_number() && target->get<double>() > 0 && target->get<double>() <= 100;
    if (sound) {
      reading.config.uptime_target = target->get<double>();
    } else {
      reading.report.add(uptime->path_of("target"), target->dump() + " is no percentage",
                         "write a number such as 99.5");
    }
  }
  uptime->finish();
}

void read_monitor(Reading& reading, const nlohmann::json& value) {
  ObjectReader reader(reading.report, value, "");
  auto& cluster = reading.cluster();
  cluster.name = "default";
  reader.text("vantage", reading.config.vantage, 63, api::is_realm, "letters, digits, '.', '-' and '_'");
  reader.text("cluster", cluster.name, 127, api::is_dns_label, "a name such as calls");
  read_probing(reading, reader);
  if (auto credentials = reader.object("credentials")) {
    credentials->duration("ttl", cluster.credential_ttl, bounds::credential_ttl);
    credentials->finish();
  }
  read_uptime(reading, reader);
  reader.text("statusUrl", reading.config.status_url, bounds::url_length, api::is_http_url, "https://HOST[/PATH]");
  read_tls(reading, reader);
  reader.texts("stunServers", cluster.stun_servers, bounds::stun_servers, [](std::string_view text) -> Result<void> {
    if (api::is_stun_server(text)) return {};
    return fail("'" + std::string(text) + "' is not a STUN server", "write stun:HOST:PORT");
  });
  read_servers(reading, reader);
  read_failover(reading, reader);
  read_modules(reading, reader);
  read_notifications(reading, reader);
  read_clients(reading, reader);
  read_exchange(reading, reader);
  read_access(reading, reader);
  reader.finish();
}

}  // namespace

std::optional<Secret> Reading::read_secret(const std::string& path, const std::string& field) {
  const std::string whole = beside(path);
  files.insert(whole);
  auto secret = Secret::from_file(whole);
  if (!secret) {
    report.add(field, secret.error().message, secret.error().advice);
    return std::nullopt;
  }
  if (secret->empty()) {
    report.add(field, "'" + path + "' is empty", "write the secret into it");
    return std::nullopt;
  }
  return std::move(*secret);
}

std::optional<Secret> Reading::read_secret(ObjectReader& reader, const char* key) {
  std::string path;
  if (!reader.text(key, path, 4096) || path.empty()) return std::nullopt;
  return read_secret(path, reader.path_of(key));
}

void Reading::read_path(ObjectReader& reader, const char* key, std::string& path) {
  std::string text;
  if (!reader.text(key, text, 4096) || text.empty()) return;
  path = beside(text);
  files.insert(path);
  std::error_code ignored;
  const bool directory = std::filesystem::is_directory(path, ignored);
  if (!directory && ::access(path.c_str(), R_OK) == 0) return;
  report.add(reader.path_of(key), "'" + text + "' cannot be read: " + std::strerror(directory ? EISDIR : errno),
             "check the path; it is looked up beside this file");
}

void Reading::read_authorities(ObjectReader& reader, std::string& path) {
  const auto before = report.problems.size();
  if (reader.find("caFile") == nullptr) return;
  read_path(reader, "caFile", path);
  if (path.empty() || report.problems.size() != before) return;
  if (const auto usable = turn::make_tls_context({.ca_file = path}); !usable) {
    report.add(reader.path_of("caFile"), usable.error().message, usable.error().advice);
  }
}

tl::expected<MonitorConfig, api::Problems> load_monitor_config(const std::string& path, std::set<std::string>* files) {
  std::set<std::string> unused;
  if (files == nullptr) files = &unused;
  files->insert(path);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return tl::unexpected(api::Problems{
        {"", std::string("cannot be read: ") + std::strerror(errno), "check the path and that you may read it"}});
  }
  auto document = api::read_yaml(text.str());
  if (!document) return tl::unexpected(api::Problems{std::move(document.error())});
  api::ReadReport report{.problems = std::move(document->problems), .places = &document->places, .strict = true};
  MonitorConfig config;
  config.fleet.clusters.emplace_back();
  Reading reading{report, std::filesystem::path(path).parent_path(), config, *files};
  read_monitor(reading, document->value);
  if (report.problems.empty()) return config;
  std::ranges::stable_sort(report.problems, {},
                           [](const api::Problem& problem) { return std::pair(problem.line, problem.column); });
  return tl::unexpected(std::move(report.problems));
}

}  // namespace turnkeeper::monitor
