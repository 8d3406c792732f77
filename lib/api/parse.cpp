#include "turnkeeper/api/parse.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/object_reader.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/api/validate.hpp"

namespace turnkeeper::api {
namespace {

constexpr const char* dns_label_form =
    "lower-case letters, digits and '-', beginning with a letter and not ending with '-'";

Result<void> accept(bool valid, std::string_view text, const char* advice) {
  if (valid) return {};
  return fail(text.empty() ? "is empty" : "'" + std::string(text) + "' is not valid", advice);
}

void read_ports(ObjectReader& reader, Ports& ports) {
  reader.integer("turn", ports.turn, bounds::port);
  reader.integer("relayMin", ports.relay_min, bounds::port);
  reader.integer("relayMax", ports.relay_max, bounds::port);
  reader.finish();
}

void read_limits(ObjectReader& reader, Limits& limits) {
  reader.integer("sessions", limits.sessions, bounds::sessions);
  reader.integer("sessionsPerUser", limits.sessions_per_user, bounds::sessions_per_user);
  reader.integer("bitsPerSecondPerSession", limits.bits_per_second_per_session, bounds::bits_per_second);
  reader.integer("bitsPerSecond", limits.bits_per_second, bounds::bits_per_second);
  reader.finish();
}

void read_peers(ObjectReader& reader, Peers& peers) {
  reader.texts("deny", peers.deny, bounds::peers, check_peer);
  reader.texts("allow", peers.allow, bounds::peers, check_peer);
  reader.finish();
}

void read_quantities(ReadReport& report, ObjectReader& resources, const char* key, nlohmann::json& out) {
  const auto* quantities = resources.find(key);
  if (quantities == nullptr) return;
  if (!quantities->is_object()) {
    report.add(resources.path_of(key), "is " + type_text(*quantities),
               "write a mapping such as {cpu: 500m, memory: 256Mi}");
    return;
  }
  for (const auto& [name, value] : quantities->items()) {
    const auto text = value.is_string() ? value.get<std::string>() : value.dump();
    if ((value.is_string() || value.is_number_integer()) && is_quantity(text)) {
      out[key][name] = text;
    } else {
      report.add(resources.path_of(key) + '.' + name, "'" + text + "' is no quantity",
                 "write one such as 2, \"1.5\", 500m or 256Mi");
    }
  }
}

void read_resources(ReadReport& report, ObjectReader& reader, std::string& out) {
  auto resources = reader.object("resources");
  if (!resources) return;
  auto object = nlohmann::json::object();
  read_quantities(report, *resources, "limits", object);
  read_quantities(report, *resources, "requests", object);
  resources->finish();
  out = object.empty() ? std::string() : object.dump();
}

void read_tolerations(ReadReport& report, ObjectReader& reader, std::string& out) {
  const auto* list = reader.find_list("tolerations", 0, bounds::tolerations);
  if (list == nullptr) return;
  static constexpr std::array operators{std::pair{std::string_view("Exists"), "Exists"},
                                        std::pair{std::string_view("Equal"), "Equal"}};
  static constexpr std::array effects{std::pair{std::string_view("NoSchedule"), "NoSchedule"},
                                      std::pair{std::string_view("PreferNoSchedule"), "PreferNoSchedule"},
                                      std::pair{std::string_view("NoExecute"), "NoExecute"}};
  auto tolerations = nlohmann::json::array();
  for (std::size_t i = 0; i < list->size(); ++i) {
    ObjectReader item(report, (*list)[i], reader.item_path("tolerations", i));
    auto toleration = nlohmann::json::object();
    std::string text;
    if (item.text("key", text, bounds::text_length)) toleration["key"] = text;
    if (item.text("value", text, bounds::text_length)) toleration["value"] = text;
    const char* word = nullptr;
    item.choice("operator", word, operators);
    if (word != nullptr) toleration["operator"] = word;
    word = nullptr;
    item.choice("effect", word, effects);
    if (word != nullptr) toleration["effect"] = word;
    std::int64_t seconds = -1;
    item.integer("tolerationSeconds", seconds, bounds::toleration_seconds);
    if (seconds >= 0) toleration["tolerationSeconds"] = seconds;
    item.finish();
    tolerations.push_back(std::move(toleration));
  }
  out = tolerations.empty() ? std::string() : tolerations.dump();
}

// Reads over what `relay` holds: the defaults for spec.relay, spec.relay for a region.
void read_relay(ReadReport& report, ObjectReader& reader, RelaySpec& relay) {
  reader.text("image", relay.image, bounds::image_length, is_image, "an image such as docker.io/coturn/coturn:4.18.0");
  reader.integer("replicas", relay.replicas, bounds::replicas);
  reader.choice("exposure", relay.exposure, exposure_names);
  reader.choices("transports", relay.transports, transport_names);
  if (auto ports = reader.object("ports")) read_ports(*ports, relay.ports);
  if (auto limits = reader.object("limits")) read_limits(*limits, relay.limits);
  if (auto peers = reader.object("peers")) read_peers(*peers, relay.peers);
  reader.duration("drainTimeout", relay.drain_timeout, bounds::drain_timeout);
  read_resources(report, reader, relay.resources_json);
  reader.text_map("nodeSelector", relay.node_selector);
  read_tolerations(report, reader, relay.tolerations_json);
  reader.text("priorityClassName", relay.priority_class_name, bounds::text_length);
  reader.text_map("annotations", relay.annotations);
  reader.finish();
}

void read_regions(ReadReport& report, ObjectReader& spec, const RelaySpec& relay, std::vector<Region>& regions) {
  const auto* list = spec.find_list("regions", 1, bounds::regions);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ObjectReader reader(report, (*list)[i], spec.item_path("regions", i));
    Region region;
    region.relay = relay;
    reader.require("name", "give the region a name, such as eu-west");
    reader.text("name", region.name, bounds::region_name_length, is_dns_label, dns_label_form);
    reader.texts("backups", region.backups, bounds::regions, [](std::string_view text) {
      return accept(is_dns_label(text), text, "write the name of another region of this cluster");
    });
    if (auto overlay = reader.object("relay")) read_relay(report, *overlay, region.relay);
    reader.finish();
    regions.push_back(std::move(region));
  }
}

void read_spec(ReadReport& report, ObjectReader& reader, Spec& spec) {
  reader.require("realm", "write the name under which users authenticate, such as turn.example.org");
  reader.text("realm", spec.realm, bounds::realm_length, is_realm, "a domain name such as turn.example.org");
  reader.boolean("paused", spec.paused);
  RelaySpec relay;
  if (auto object = reader.object("relay")) read_relay(report, *object, relay);
  reader.require("regions", "list at least one region");
  read_regions(report, reader, relay, spec.regions);
  if (auto credentials = reader.object("credentials")) {
    credentials->duration("ttl", spec.credentials.ttl, bounds::credential_ttl);
    credentials->finish();
  }
  if (auto probing = reader.object("probing")) {
    probing->duration("canary", spec.probing.canary, bounds::canary);
    probing->integer("misses", spec.probing.misses, bounds::misses);
    probing->duration("full", spec.probing.full, bounds::full_probe);
    probing->finish();
  }
  if (auto failover = reader.object("failover")) {
    failover->texts("stunServers", spec.stun_servers, bounds::stun_servers, [](std::string_view text) {
      return accept(is_stun_server(text), text, "write stun:HOST:PORT, such as stun:stun.example.org:3478");
    });
    failover->finish();
  }
  reader.finish();
}

void read_kind(ReadReport& report, ObjectReader& reader) {
  const std::string expected_version = std::string(group) + '/' + version;
  std::string text;
  reader.require("apiVersion", "write apiVersion: " + expected_version);
  if (reader.text("apiVersion", text, bounds::text_length) && text != expected_version) {
    report.add("apiVersion", "'" + text + "' is not known here", "write " + expected_version);
  }
  reader.require("kind", std::string("write kind: ") + kind);
  if (reader.text("kind", text, bounds::text_length) && text != kind) {
    report.add("kind", "'" + text + "' is not what is expected here", std::string("write ") + kind);
  }
}

void read_cluster(ReadReport& report, const nlohmann::json& value, TurnCluster& cluster) {
  ObjectReader reader(report, value, "");
  read_kind(report, reader);
  reader.require("metadata", "write metadata: {name: ...}");
  if (const auto* object = reader.find("metadata")) {
    // Labels, managed fields and the like are Kubernetes' own: no look-out for unknown fields here.
    ObjectReader metadata(report, *object, "metadata");
    metadata.require("name", "give the cluster a name, such as calls");
    metadata.text("name", cluster.name, 63, is_dns_label, dns_label_form);
    metadata.text("namespace", cluster.namespace_name, 63);
    metadata.text("uid", cluster.uid, bounds::text_length);
    metadata.integer("generation", cluster.generation, {0, INT64_MAX});
    cluster.deleting = metadata.find("deletionTimestamp") != nullptr;
  }
  reader.require("spec", "describe the cluster: spec.realm and spec.regions at least");
  if (auto spec = reader.object("spec")) read_spec(report, *spec, cluster.spec);
  (void)reader.find("status");  // a file got by `kubectl get -o yaml` has one
  reader.finish();
}

// What a region takes over from spec.relay is written there, so that is where a person has to change it.
std::string field_in_file(const std::string& field, const Places& places) {
  const auto relay = field.find("].relay.");
  if (!field.starts_with("spec.regions[") || relay == std::string::npos || places.contains(field)) return field;
  const auto inherited = "spec" + field.substr(relay + 1);
  return places.contains(inherited) ? inherited : field;
}

ParsedCluster finish(ReadReport& report, TurnCluster cluster) {
  // Fields that could not be read hold their defaults, so judging them against each other would mislead.
  if (report.problems.empty()) {
    for (auto& problem : validate(cluster)) {
      const auto field = report.places != nullptr ? field_in_file(problem.field, *report.places) : problem.field;
      report.add(field, std::move(problem.message), std::move(problem.advice));
    }
  }
  auto& problems = report.problems;
  if (problems.empty()) return cluster;
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
  return tl::unexpected(std::move(problems));
}

}  // namespace

ParsedCluster parse_text(std::string_view yaml) {
  auto document = read_yaml(yaml);
  if (!document) return tl::unexpected(Problems{std::move(document.error())});
  ReadReport report{.problems = std::move(document->problems), .places = &document->places, .strict = true};
  TurnCluster cluster;
  read_cluster(report, document->value, cluster);
  return finish(report, std::move(cluster));
}

ParsedCluster parse_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return tl::unexpected(Problems{
        {"", std::string("cannot be read: ") + std::strerror(errno), "check the path and that you may read it"}});
  }
  return parse_text(text.str());
}

ParsedCluster parse_object(const nlohmann::json& object) {
  ReadReport report{.problems = {}, .places = nullptr, .strict = false};
  TurnCluster cluster;
  read_cluster(report, object, cluster);
  return finish(report, std::move(cluster));
}

}  // namespace turnkeeper::api
