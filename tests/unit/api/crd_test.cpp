// The schema that the API server enforces and the C++ types say the same.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/api/text_forms.hpp"
#include "turnkeeper/api/yaml_document.hpp"

namespace turnkeeper::api {
namespace {

using nlohmann::json;

const json& crd() {
  static const json document = [] {
    std::ostringstream text;
    text << std::ifstream(TURNKEEPER_SOURCE_DIR "/crds/turnclusters.yaml").rdbuf();
    auto read = read_yaml(text.str()).value();
    EXPECT_TRUE(read.problems.empty()) << problems_text(read.problems) << ": the API server takes the last of two";
    return read.value;
  }();
  return document;
}

const json& root() {
  return crd().at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

// "spec.relay.ports.turn", "spec.regions[].name": the schema of that field.
const json& schema(const std::string& path) {
  const json* node = &root();
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '.');) {
    const bool list = part.ends_with("[]");
    node = &node->at("properties").at(list ? part.substr(0, part.size() - 2) : part);
    if (list) node = &node->at("items");
  }
  return *node;
}

// What the API server makes of an object without those fields.
json defaults(const json& schema) {
  json value = schema.value("default", json());
  if (!value.is_object() || !schema.contains("properties")) return value;
  for (const auto& [name, property] : schema.at("properties").items()) {
    if (!value.contains(name) && property.contains("default")) value[name] = defaults(property);
  }
  return value;
}

void without(json& node, const std::string& key) {
  if (node.is_object()) node.erase(key);
  if (node.is_structured()) {
    for (auto& child : node) without(child, key);
  }
}

TEST(Crd, IsOfTheGroupVersionAndKindThatProgramsAskFor) {
  EXPECT_EQ(crd().at("spec").at("group"), group);
  EXPECT_EQ(crd().at("spec").at("names").at("kind"), kind);
  EXPECT_EQ(crd().at("spec").at("names").at("plural"), plural);
  EXPECT_EQ(crd().at("spec").at("versions").at(0).at("name"), version);
}

TEST(Crd, HasTheDefaultsOfTheCppTypes) {
  json object = {{"apiVersion", std::string(group) + '/' + version},
                 {"kind", kind},
                 {"metadata", {{"name", "calls"}}},
                 {"spec", {{"realm", "turn.example.org"}, {"regions", {{{"name", "eu"}}}}}}};
  const auto bare = parse_object(object);
  int filled = 0;
  for (const auto& [name, property] : schema("spec").at("properties").items()) {
    if (!property.contains("default")) continue;
    object["spec"][name] = defaults(property);
    ++filled;
  }
  EXPECT_GE(filled, 5);
  const auto defaulted = parse_object(object);
  ASSERT_TRUE(bare.has_value() && defaulted.has_value());
  EXPECT_EQ(defaulted->spec, bare->spec) << object.dump(2);
  // And none is missing in the schema: what it fills in names every field that has a default in C++.
  const auto relay = object["spec"]["relay"];
  for (const char* field : {"image", "replicas", "exposure", "transports", "drainTimeout"}) {
    EXPECT_TRUE(relay.contains(field)) << field;
  }
  EXPECT_EQ(relay["ports"].size(), 4u);
  EXPECT_EQ(relay["limits"].size(), 4u);
  EXPECT_EQ(object["spec"]["probing"].size(), 3u);
  EXPECT_EQ(object["spec"]["credentials"].size(), 2u);
}

// What stands in a block that may be left out: written with what it requires and nothing else, it means the same to
// both.
TEST(Crd, HasTheDefaultsOfTheCppTypesInOptionalBlocks) {
  const auto object = [](const json& spec) {
    json whole = {{"apiVersion", std::string(group) + '/' + version},
                  {"kind", kind},
                  {"metadata", {{"name", "calls"}}},
                  {"spec", {{"realm", "turn.example.org"}, {"regions", {{{"name", "eu"}}}}}}};
    whole["spec"].merge_patch(spec);
    return whole;
  };
  const auto filled = [](json block, const std::string& path) {
    int count = 0;
    for (const auto& [name, property] : schema(path).at("properties").items()) {
      if (block.contains(name) || !property.contains("default")) continue;
      block[name] = property.at("default");
      ++count;
    }
    EXPECT_GT(count, 0) << path << " has no defaults";
    return block;
  };
  const json scaling = {{"sessionsPerRelay", 500}};
  const json issuer = {{"name", "letsencrypt"}};
  const json dns = {{"hostname", "turn.example.org"}};
  const json budget = {{"monthly", "45"}, {"perRelay", "8"}};
  const auto bare = parse_object(object(
      {{"relay", {{"autoscaling", scaling}}}, {"tls", {{"issuerRef", issuer}}}, {"dns", dns}, {"budget", budget}}));
  const auto defaulted = parse_object(object({{"relay", {{"autoscaling", filled(scaling, "spec.relay.autoscaling")}}},
                                              {"tls", {{"issuerRef", filled(issuer, "spec.tls.issuerRef")}}},
                                              {"dns", filled(dns, "spec.dns")},
                                              {"budget", filled(budget, "spec.budget")}}));
  ASSERT_TRUE(bare.has_value()) << problems_text(bare.error());
  ASSERT_TRUE(defaulted.has_value()) << problems_text(defaulted.error());
  EXPECT_EQ(defaulted->spec, bare->spec);
}

TEST(Crd, LetsARegionOverrideEveryFieldOfTheRelayWithoutDefaults) {
  auto relay = schema("spec.relay").at("properties");
  without(relay, "default");
  EXPECT_EQ(schema("spec.regions[].relay").at("properties"), relay);
  auto region = schema("spec.regions[].relay");
  const auto before = region;
  without(region, "default");
  EXPECT_EQ(region, before) << "a default in a region's relay would hide what spec.relay says";
}

TEST(Crd, HasTheBoundsOfTheParser) {
  const auto expect_range = [](const std::string& path, auto bounds) {
    EXPECT_EQ(schema(path).at("minimum"), bounds.min) << path;
    EXPECT_EQ(schema(path).at("maximum"), bounds.max) << path;
  };
  expect_range("spec.relay.replicas", bounds::replicas);
  for (const char* port : {"turn", "turns"}) expect_range(std::string("spec.relay.ports.") + port, bounds::port);
  for (const char* port : {"relayMin", "relayMax"}) {
    expect_range(std::string("spec.relay.ports.") + port, bounds::relayed_port);
  }
  expect_range("spec.relay.autoscaling.min", bounds::replicas);
  expect_range("spec.relay.autoscaling.max", bounds::replicas);
  expect_range("spec.relay.autoscaling.sessionsPerRelay", bounds::sessions_per_relay);
  expect_range("spec.relay.autoscaling.megabitsPerRelay", bounds::megabits_per_relay);
  expect_range("spec.budget.bitsPerSecondPerSession", bounds::lowered_bits_per_second);
  expect_range("spec.relay.limits.sessions", bounds::sessions);
  expect_range("spec.relay.limits.sessionsPerUser", bounds::sessions_per_user);
  expect_range("spec.relay.limits.bitsPerSecondPerSession", bounds::bits_per_second);
  expect_range("spec.relay.limits.bitsPerSecond", bounds::bits_per_second);
  expect_range("spec.relay.tolerations[].tolerationSeconds", bounds::toleration_seconds);
  expect_range("spec.probing.misses", bounds::misses);

  EXPECT_EQ(schema("spec.realm").at("maxLength"), bounds::realm_length);
  EXPECT_EQ(schema("spec.regions[].name").at("maxLength"), bounds::region_name_length);
  EXPECT_EQ(schema("spec.relay.image").at("maxLength"), bounds::image_length);
  EXPECT_EQ(schema("spec.relay.priorityClassName").at("maxLength"), bounds::text_length);
  for (const char* name :
       {"spec.tls.secretName", "spec.tls.issuerRef.name", "spec.tls.issuerRef.kind", "spec.tls.issuerRef.group",
        "spec.credentials.secretRef.name", "spec.credentials.secretRef.key", "spec.regions[].kubeconfigSecret.name",
        "spec.regions[].kubeconfigSecret.key"}) {
    EXPECT_EQ(schema(name).at("maxLength"), bounds::text_length) << name;
  }
  EXPECT_EQ(schema("spec.dns.hostname").at("maxLength"), bounds::hostname_length);
  EXPECT_EQ(schema("spec.relay.publicAddress.nodeAnnotation").at("maxLength"), bounds::qualified_name_length);
  EXPECT_EQ(schema("spec.relay.publicAddress.fixed").at("maxItems"), bounds::replicas.max);
  EXPECT_EQ(schema("spec.relay.publicAddress.fixed[]").at("maxLength"), bounds::address_pair_length);
  for (const char* amount : {"monthly", "perRelay", "perGigabyte"}) {
    EXPECT_EQ(schema(std::string("spec.budget.") + amount).at("maxLength"), bounds::amount_length) << amount;
  }
  EXPECT_EQ(schema("spec.regions").at("maxItems"), bounds::regions);
  EXPECT_EQ(schema("spec.regions[].backups").at("maxItems"), bounds::regions);
  EXPECT_EQ(schema("spec.relay.peers.deny").at("maxItems"), bounds::peers);
  EXPECT_EQ(schema("spec.relay.peers.allow").at("maxItems"), bounds::peers);
  EXPECT_EQ(schema("spec.failover.stunServers").at("maxItems"), bounds::stun_servers);
  EXPECT_EQ(schema("spec.failover.providers").at("maxItems"), bounds::providers);
  EXPECT_EQ(schema("spec.failover.providers[].urls").at("maxItems"), bounds::provider_urls);
  EXPECT_EQ(schema("spec.failover.providers[].url").at("maxLength"), bounds::url_length);
  EXPECT_EQ(schema("spec.failover.providers[].name").at("maxLength"), bounds::region_name_length);
  EXPECT_EQ(schema("spec.failover.providers[].secretRef.key").at("default"), default_provider_key);
  EXPECT_EQ(schema("spec.relay.tolerations").at("maxItems"), bounds::tolerations);
  EXPECT_EQ(schema("spec.relay.nodeSelector").at("maxProperties"), bounds::map_entries);
  EXPECT_EQ(schema("spec.relay.annotations").at("maxProperties"), bounds::map_entries);
}

TEST(Crd, HasTheDurationsOfTheParser) {
  const auto expect_range = [](const std::string& path, std::chrono::milliseconds min, std::chrono::milliseconds max) {
    std::string rules;
    for (const auto& rule : schema(path).at("x-kubernetes-validations"))
      rules += rule.at("rule").get<std::string>() + '\n';
    if (min.count() > 0) {
      EXPECT_NE(rules.find("duration(self) >= duration('" + duration_text(min) + "')"), std::string::npos)
          << path << rules;
    }
    EXPECT_NE(rules.find("duration(self) <= duration('" + duration_text(max) + "')"), std::string::npos)
        << path << rules;
  };
  expect_range("spec.relay.drainTimeout", bounds::drain_timeout.min, bounds::drain_timeout.max);
  expect_range("spec.credentials.ttl", bounds::credential_ttl.min, bounds::credential_ttl.max);
  expect_range("spec.credentials.rotation.every", bounds::rotate_every.min, bounds::rotate_every.max);
  expect_range("spec.dns.ttl", bounds::dns_ttl.min, bounds::dns_ttl.max);
  expect_range("spec.probing.canary", bounds::canary.min, bounds::canary.max);
  expect_range("spec.probing.full", bounds::full_probe.min, bounds::full_probe.max);
  expect_range("spec.failover.providers[].ttl", bounds::credential_ttl.min, bounds::credential_ttl.max);
  expect_range("spec.failover.providers[].probeEvery", bounds::provider_probe.min, bounds::provider_probe.max);
}

TEST(Crd, HasTheWordsOfTheParser) {
  const auto expect_words = [](const std::string& path, const auto& names) {
    json words = json::array();
    for (const auto& [name, unused] : names) words.push_back(name);
    EXPECT_EQ(schema(path).at("enum"), words) << path;
  };
  expect_words("spec.relay.transports[]", transport_names);
  expect_words("spec.relay.exposure", exposure_names);
  expect_words("spec.relay.ipFamilies[]", ip_family_names);
  expect_words("spec.budget.atLimit", at_limit_names);
  expect_words("spec.failover.providers[].type", provider_type_names);
  expect_words("spec.failover.use", provider_use_names);
}

// A field that only one of the two knows would be refused by the other.
TEST(Crd, HasNoFieldThatTheParserDoesNotKnow) {
  const auto mentioned_as_unknown = [](const json& spec) {
    const json object = {{"apiVersion", std::string(group) + '/' + version},
                         {"kind", kind},
                         {"metadata", {{"name", "calls"}}},
                         {"spec", spec}};
    const auto cluster = parse_text(object.dump());
    return cluster ? std::string() : problems_text(cluster.error());
  };
  // null counts as absent, but its field must be known.
  std::function<json(const json&)> skeleton = [&](const json& node) -> json {
    if (node.value("type", "") == "array") return json::array({skeleton(node.at("items"))});
    if (!node.contains("properties")) return nullptr;
    json object = json::object();
    for (const auto& [name, property] : node.at("properties").items()) object[name] = skeleton(property);
    return object;
  };
  const auto told = mentioned_as_unknown(skeleton(schema("spec")));
  EXPECT_NE(told, "");
  EXPECT_EQ(told.find("there is no such field"), std::string::npos) << told;
}

void expect_described(const json& node, const std::string& path) {
  EXPECT_TRUE(node.contains("description")) << path << ": kubectl explain has nothing to say";
  if (!node.contains("properties")) return;
  for (const auto& [name, property] : node.at("properties").items()) expect_described(property, path + '.' + name);
}

TEST(Crd, DescribesEveryField) {
  expect_described(schema("spec"), "spec");
  expect_described(schema("spec.regions[]"), "spec.regions[]");
  expect_described(schema("status"), "status");
  for (const char* list : {"conditions", "regions", "relays"}) {
    for (const auto& [name, property] : schema(std::string("status.") + list + "[]").at("properties").items()) {
      EXPECT_TRUE(property.contains("description")) << "status." << list << '.' << name;
    }
  }
}

// docs/turncluster.md is where people look first.
TEST(Crd, IsDocumentedFieldByField) {
  std::ostringstream text;
  text << std::ifstream(TURNKEEPER_SOURCE_DIR "/docs/turncluster.md").rdbuf();
  const std::string page = text.str();
  std::function<void(const json&, const std::string&)> look = [&](const json& node, const std::string& path) {
    const bool list = node.value("type", "") == "array" && node.at("items").contains("properties");
    // What stands in these is Kubernetes' own.
    const bool foreign = path.ends_with("resources") || path.ends_with("affinity") || path.ends_with("tolerations");
    if (path == "regions[].relay" || foreign || (!list && !node.contains("properties"))) {
      EXPECT_NE(page.find("| `" + path + "` |"), std::string::npos) << path;
      return;
    }
    const json& properties = (list ? node.at("items") : node).at("properties");
    const auto prefix = path.empty() ? "" : path + (list ? "[]." : ".");
    for (const auto& [name, property] : properties.items()) look(property, prefix + name);
  };
  look(schema("spec"), "");
  look(schema("status"), "");
}

}  // namespace
}  // namespace turnkeeper::api
