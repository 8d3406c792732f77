#include "turnkeeper/api/parse.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/names.hpp"
#include "turnkeeper/api/object_reader.hpp"
#include "turnkeeper/api/read_failover.hpp"
#include "turnkeeper/api/read_relay.hpp"
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

constexpr const char* dns_name_form = "a name such as turn.example.org, in lower case";
constexpr const char* object_name_form = "the name of a Secret: lower-case letters, digits, '-' and '.'";
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
    read_secret_reference(reader, "kubeconfigSecret", "kubeconfig", region.kubeconfig);
    bool vantage = false;
    reader.boolean("vantage", vantage);
    if (reader.find("vantage") != nullptr) region.vantage = vantage;
    if (auto overlay = reader.object("relay")) read_relay(report, *overlay, region.relay);
    reader.finish();
    regions.push_back(std::move(region));
  }
}

void read_credentials(ReadReport& report, ObjectReader& reader, Credentials& credentials) {
  reader.duration("ttl", credentials.ttl, bounds::credential_ttl);
  if (auto rotation = reader.object("rotation")) {
    rotation->duration("every", credentials.rotate_every,
                       bounds::Bounds<std::chrono::seconds>{std::chrono::seconds(0), bounds::rotate_every.max});
    if (credentials.rotate_every.count() > 0 && credentials.rotate_every < bounds::rotate_every.min) {
      report.add(rotation->path_of("every"), "is less than " + duration_text(bounds::rotate_every.min),
                 "write a longer duration, or 0s for no rotation by itself");
    }
    rotation->finish();
  }
  read_secret_reference(reader, "secretRef", nullptr, credentials.secret);
  reader.finish();
}

void read_tls(ReadReport& report, ObjectReader& reader, Tls& tls) {
  reader.text("secretName", tls.secret_name, bounds::text_length, is_dns_name, object_name_form);
  if (auto issuer = reader.object("issuerRef")) {
    issuer->require("name", "name the cert-manager issuer");
    issuer->text("name", tls.issuer_name, bounds::text_length, is_dns_name,
                 "the name of an issuer: lower-case letters, digits, '-' and '.'");
    issuer->text("kind", tls.issuer_kind, bounds::text_length, is_secret_key,
                 "a kind, such as Issuer or ClusterIssuer");
    issuer->text("group", tls.issuer_group, bounds::text_length, is_dns_name, "an API group, such as cert-manager.io");
    issuer->finish();
  }
  reader.finish();
  const bool given = reader.find("secretName") != nullptr;
  if (given == (reader.find("issuerRef") != nullptr)) {
    report.add(reader.path(), given ? "has two sources of the certificate" : "has no source of the certificate",
               "write either secretName or issuerRef");
  }
}

void read_dns(ObjectReader& reader, Dns& dns) {
  reader.require("hostname", "write the name that clients resolve, such as turn.example.org");
  reader.text("hostname", dns.hostname, bounds::hostname_length, is_dns_name, dns_name_form);
  reader.duration("ttl", dns.ttl, bounds::dns_ttl);
  reader.finish();
}

void read_budget(ObjectReader& reader, Budget& budget) {
  reader.require("monthly", "write what the relays may cost in a month, such as \"45\"");
  reader.amount("monthly", budget.monthly);
  reader.text("currency", budget.currency, 3, is_currency, "three capital letters, such as USD or EUR");
  reader.amount("perRelay", budget.per_relay);
  reader.amount("perGigabyte", budget.per_gigabyte);
  reader.choice("atLimit", budget.at_limit, at_limit_names);
  reader.integer("bitsPerSecondPerSession", budget.bits_per_second_per_session, bounds::lowered_bits_per_second);
  reader.finish();
}

void read_spec(ReadReport& report, ObjectReader& reader, Spec& spec) {
  reader.require("realm", "write the name under which users authenticate, such as turn.example.org");
  reader.text("realm", spec.realm, bounds::realm_length, is_realm, "a domain name such as turn.example.org");
  reader.boolean("paused", spec.paused);
  RelaySpec relay;
  if (auto object = reader.object("relay")) read_relay(report, *object, relay);
  reader.require("regions", "list at least one region");
  spec.relay_replicas = relay.replicas;
  read_regions(report, reader, relay, spec.regions);
  if (auto credentials = reader.object("credentials")) read_credentials(report, *credentials, spec.credentials);
  if (auto tls = reader.object("tls")) read_tls(report, *tls, spec.tls.emplace());
  if (auto probing = reader.object("probing")) {
    probing->duration("canary", spec.probing.canary, bounds::canary);
    probing->integer("misses", spec.probing.misses, bounds::misses);
    probing->duration("full", spec.probing.full, bounds::full_probe);
    probing->finish();
  }
  if (auto dns = reader.object("dns")) read_dns(*dns, spec.dns.emplace());
  if (auto budget = reader.object("budget")) read_budget(*budget, spec.budget.emplace());
  if (auto failover = reader.object("failover")) read_failover(report, *failover, spec);
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
