#include "turnkeeper/api/read_relay.hpp"

#include <nlohmann/json.hpp>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::api {
namespace {

void read_ports(ObjectReader& reader, Ports& ports) {
  reader.integer("turn", ports.turn, bounds::port);
  reader.integer("turns", ports.turns, bounds::port);
  reader.integer("relayMin", ports.relay_min, bounds::relayed_port);
  reader.integer("relayMax", ports.relay_max, bounds::relayed_port);
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

// Kubernetes judges what stands in it when the pods' template is applied.
void read_affinity(ReadReport& report, ObjectReader& reader, std::string& out) {
  auto affinity = reader.object("affinity");
  if (!affinity) return;
  auto object = nlohmann::json::object();
  for (const char* key : {"nodeAffinity", "podAffinity", "podAntiAffinity"}) {
    const auto* rules = affinity->find(key);
    if (rules == nullptr) continue;
    if (rules->is_object()) {
      object[key] = *rules;
    } else {
      report.add(affinity->path_of(key), "is " + type_text(*rules), "write it as in a pod's spec.affinity");
    }
  }
  affinity->finish();
  out = object.empty() ? std::string() : object.dump();
}

// Replaces what is there: an address from one source and one from another would be two answers to one question.
void read_public_address(ReadReport& report, ObjectReader& reader, PublicAddress& out) {
  auto object = reader.object("publicAddress");
  if (!object) return;
  out = {};
  object->text("nodeAnnotation", out.node_annotation, bounds::qualified_name_length, is_qualified_name,
               "the key of an annotation, such as example.org/public-address");
  object->texts("fixed", out.fixed, bounds::replicas.max, [](std::string_view text) -> Result<void> {
    if (text.find(' ') != std::string_view::npos) return fail("has a blank in it", "leave the blank out");
    const auto addresses = addresses_of(text);
    if (!addresses) return fail(addresses.error());
    return {};
  });
  object->finish();
  const bool annotated = object->find("nodeAnnotation") != nullptr;
  if (annotated == (object->find("fixed") != nullptr)) {
    report.add(object->path(), annotated ? "has two sources" : "has no source",
               "write either nodeAnnotation or fixed, or leave publicAddress out");
  }
}

void read_autoscaling(ObjectReader& reader, std::optional<Autoscaling>& out) {
  auto object = reader.object("autoscaling");
  if (!object) return;
  if (!out) out.emplace();
  object->integer("min", out->min, bounds::replicas);
  object->integer("max", out->max, bounds::replicas);
  object->integer("sessionsPerRelay", out->sessions_per_relay, bounds::sessions_per_relay);
  object->integer("megabitsPerRelay", out->megabits_per_relay, bounds::megabits_per_relay);
  object->finish();
}

}  // namespace

void read_relay(ReadReport& report, ObjectReader& reader, RelaySpec& relay) {
  reader.text("image", relay.image, bounds::image_length, is_image, "an image such as docker.io/coturn/coturn:4.18.0");
  reader.integer("replicas", relay.replicas, bounds::replicas);
  read_autoscaling(reader, relay.autoscaling);
  reader.choice("exposure", relay.exposure, exposure_names);
  reader.choices("ipFamilies", relay.ip_families, ip_family_names);
  read_public_address(report, reader, relay.public_address);
  reader.choices("transports", relay.transports, transport_names);
  if (auto ports = reader.object("ports")) read_ports(*ports, relay.ports);
  if (auto limits = reader.object("limits")) read_limits(*limits, relay.limits);
  if (auto peers = reader.object("peers")) read_peers(*peers, relay.peers);
  reader.duration("drainTimeout", relay.drain_timeout, bounds::drain_timeout);
  read_resources(report, reader, relay.resources_json);
  reader.text_map("nodeSelector", relay.node_selector);
  read_tolerations(report, reader, relay.tolerations_json);
  read_affinity(report, reader, relay.affinity_json);
  reader.text("priorityClassName", relay.priority_class_name, bounds::text_length);
  reader.text_map("annotations", relay.annotations);
  reader.finish();
}

}  // namespace turnkeeper::api
