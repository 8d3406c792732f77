// What monitor.yaml says beside its servers: TLS, /probe's modules, notifications, clients, the other monitors.
#include <algorithm>
#include <cctype>

#include "monitor/config/reading.hpp"
#include "monitor/config/text_forms.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/http/check.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {
namespace {

using api::ObjectReader;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t max_modules = 64;
constexpr std::size_t max_peers = 64;
constexpr api::bounds::Bounds<milliseconds> module_timeout{milliseconds(100), seconds(60)};

constexpr std::array<std::pair<std::string_view, turn::Protocol>, 4> protocols{{{"udp", turn::Protocol::udp},
                                                                                {"tcp", turn::Protocol::tcp},
                                                                                {"tls", turn::Protocol::tls},
                                                                                {"dtls", turn::Protocol::dtls}}};
constexpr std::array<std::pair<std::string_view, Receiver::Type>, 3> receiver_types{
    {{"generic", Receiver::Type::generic}, {"slack", Receiver::Type::slack}, {"ntfy", Receiver::Type::ntfy}}};
constexpr std::array<std::pair<std::string_view, Severity>, 3> severities{
    {{"info", Severity::info}, {"warning", Severity::warning}, {"critical", Severity::critical}}};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && api::is_realm(text);
}

void read_module_credential(Reading& reading, ObjectReader& reader, ProbeModule& module) {
  const bool shared = reader.find("secretFile") != nullptr;
  const bool fixed = reader.find("username") != nullptr || reader.find("passwordFile") != nullptr;
  const bool fleet = reader.find("cluster") != nullptr;
  if (shared + fixed + fleet > 1) {
    return reading.report.add(reader.path(), "has several kinds of credential",
                              "write secretFile, or username and passwordFile, or cluster");
  }
  if (shared) {
    if (auto secret = reading.read_secret(reader, "secretFile")) {
      module.credential = ProbeModule::FromSecret{std::move(*secret)};
    }
  } else if (fixed) {
    reader.require("username", "write the user that passwordFile belongs to");
    reader.require("passwordFile", "write the path of a file that holds the user's password");
    ProbeModule::Fixed user;
    reader.text("username", user.username, 508);
    if (auto password = reading.read_secret(reader, "passwordFile")) user.password = std::move(*password);
    module.credential = std::move(user);
  } else if (fleet) {
    ProbeModule::FromFleet from;
    reader.text("cluster", from.cluster, 127);
    if (from.cluster != reading.cluster().name) {
      reading.report.add(reader.path_of("cluster"), "'" + from.cluster + "' is not this file's cluster",
                         "write " + reading.cluster().name + ", or leave it out");
    }
    module.credential = std::move(from);
  }
}

void read_module(Reading& reading, const nlohmann::json& value, const std::string& path, ProbeModule& module) {
  ObjectReader reader(reading.report, value, path);
  reader.duration("timeout", module.timeout, module_timeout);
  turn::Protocol protocol{};
  if (reader.find("transport") != nullptr) {
    reader.choice("transport", protocol, protocols);
    module.transport = protocol;
  }
  read_module_credential(reading, reader, module);
  reader.boolean("checks", module.checks);
  reader.boolean("mtu", module.mtu);
  read_throughput(reader, module.throughput);
  module.tls.ca_file = reading.config.tls.ca_file;
  module.tls.verify = reading.config.tls.verify;
  if (auto tls = reader.object("tls")) {
    reading.read_authorities(*tls, module.tls.ca_file);
    tls->text("serverName", module.tls.server_name, 253);
    tls->boolean("verify", module.tls.verify);
    tls->finish();
  }
  reader.finish();
}

void read_receiver(Reading& reading, const nlohmann::json& value, const std::string& path) {
  ObjectReader reader(reading.report, value, path);
  Receiver receiver;
  reader.require("name", "give the receiver a name, such as on-call");
  reader.text("name", receiver.name, 63, is_name, "letters, digits, '.', '-' and '_'");
  reader.choice("type", receiver.type, receiver_types);
  if ((reader.find("url") == nullptr) == (reader.find("urlFile") == nullptr)) {
    reading.report.add(reader.path(), reader.find("url") ? "has both url and urlFile" : "has no URL",
                       "write urlFile: the path of a file that holds the URL");
  }
  std::string url;
  if (reader.text("url", url, 2048)) {
    receiver.url = Secret(std::move(url));
    if (const auto checked = check_receiver_url(receiver.url); !checked) {
      reading.report.add(reader.path_of("url"), checked.error().message, checked.error().advice);
    }
  }
  reading.read_path(reader, "urlFile", receiver.url_file);
  if (!receiver.url_file.empty()) {
    const auto held = Secret::from_file(receiver.url_file);
    const auto checked = held ? check_receiver_url(*held) : Result<>();  // one that cannot be read was told of already
    if (!checked) reading.report.add(reader.path_of("urlFile"), checked.error().message, checked.error().advice);
  }
  std::map<std::string, std::string> headers;
  reader.text_map("headerFiles", headers);
  for (const auto& [name, file] : headers) {
    receiver.header_files[name] = reading.beside(file);
    (void)reading.read_secret(file, reader.path_of("headerFiles") + '.' + name);
  }
  reading.read_authorities(reader, receiver.ca_file);
  reader.choice("minSeverity", receiver.min_severity, severities);
  reader.boolean("resolved", receiver.resolved);
  reader.integer("maxPerHour", receiver.max_per_hour, {1, 1000});
  reader.finish();
  auto& receivers = reading.config.receivers;
  if (!receiver.name.empty() && std::ranges::count(receivers, receiver.name, &Receiver::name) > 0) {
    reading.report.add(reader.path_of("name"), "'" + receiver.name + "' is the name of another receiver already",
                       "give each receiver its own name");
  }
  receivers.push_back(std::move(receiver));
}

}  // namespace

bool is_host_port(std::string_view text) {
  const auto uri = turn::Uri::parse("stun:" + std::string(text));
  return uri && uri->port;
}

bool is_listen_address(std::string_view text) {
  return http::check_listen_address(std::string(text)).has_value();
}

bool is_header_name(std::string_view text) {
  const auto part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !text.empty() && std::ranges::all_of(text, part);
}

void read_throughput(ObjectReader& reader, std::optional<ThroughputPlan>& plan) {
  auto throughput = reader.object("throughput");
  if (!throughput) return;
  plan.emplace();
  throughput->integer("packets", plan->packets, {1, max_throughput_packets});
  throughput->integer("size", plan->size, {min_throughput_size, max_throughput_size});
  throughput->integer("perSecond", plan->per_second, {1, max_throughput_per_second});
  throughput->finish();
}

void read_tls(Reading& reading, ObjectReader& reader) {
  auto tls = reader.object("tls");
  if (!tls) return;
  reading.read_authorities(*tls, reading.config.tls.ca_file);
  tls->boolean("verify", reading.config.tls.verify);
  tls->finish();
}

void read_modules(Reading& reading, ObjectReader& reader) {
  auto modules = reader.object("modules");
  if (!modules) return;
  const auto& all = *reader.find("modules");
  if (all.size() > max_modules) {
    return reading.report.add("modules", "has " + std::to_string(all.size()) + " modules",
                              "write at most " + std::to_string(max_modules));
  }
  for (const auto& [name, value] : all.items()) {
    const std::string path = modules->path_of(name);
    if (!is_name(name)) reading.report.add(path, "'" + name + "' is no name", "use letters, digits, '.', '-' and '_'");
    read_module(reading, value, path, reading.config.modules[name]);
  }
}

void read_notifications(Reading& reading, ObjectReader& reader) {
  const auto* receivers = reader.find_list("notifications", 0, most_receivers);
  if (receivers == nullptr) return;
  for (std::size_t i = 0; i < receivers->size(); ++i) {
    read_receiver(reading, (*receivers)[i], reader.item_path("notifications", i));
  }
}

void read_clients(Reading& reading, ObjectReader& reader) {
  auto clients = reader.object("clients");
  if (!clients) return;
  if (auto header = clients->object("regionHeader")) {
    auto& to = reading.config.region_header;
    header->require("name", "write the header that says where a client is, such as CF-IPCountry");
    header->text("name", to.name, 63, is_header_name, "the name of a header");
    std::ranges::transform(to.name, to.name.begin(), [](unsigned char c) { return std::tolower(c); });
    header->text_map("map", to.regions);
    for (const auto& [value, region] : to.regions) {
      if (std::ranges::count(reading.cluster().regions, region, &Region::name) > 0) continue;
      reading.report.add(header->path_of("map"), "maps " + value + " to '" + region + "', which is no region",
                         "write the region of one of the servers");
    }
    header->finish();
  }
  clients->finish();
}

void read_exchange(Reading& reading, ObjectReader& reader) {
  auto exchange = reader.object("exchange");
  if (!exchange) return;
  ExchangeConfig config;
  exchange->require("listen", "write where the other monitors reach this one, such as 0.0.0.0:8481");
  exchange->text("listen", config.listen, 253, is_listen_address, "ADDRESS:PORT");
  exchange->texts("peers", config.peers, max_peers, [](std::string_view text) -> Result<void> {
    if (is_host_port(text)) return {};
    return fail("'" + std::string(text) + "' is no address of a monitor", "write HOST:PORT");
  });
  exchange->text("peersDns", config.peers_dns, 253, is_host_port, "NAME:PORT");
  bool insecure = false;
  exchange->boolean("insecure", insecure);
  if (auto tls = exchange->object("tls")) {
    for (const char* key : {"certFile", "keyFile", "caFile"}) tls->require(key, "all three files are needed");
    reading.read_path(*tls, "certFile", config.certificate);
    reading.read_path(*tls, "keyFile", config.key);
    reading.read_path(*tls, "caFile", config.authority);
    tls->finish();
    if (insecure) reading.report.add(exchange->path_of("insecure"), "contradicts tls", "leave one of the two out");
  } else if (!insecure) {
    reading.report.add(exchange->path(), "has no tls",
                       "write tls: {certFile, keyFile, caFile}, or insecure: true on a network that is trusted");
  }
  exchange->finish();
  reading.config.exchange = std::move(config);
}

}  // namespace turnkeeper::monitor
