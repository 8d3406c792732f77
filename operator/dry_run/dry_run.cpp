#include "operator/dry_run/dry_run.hpp"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <sstream>
#include <thread>

#include "operator/controller/kinds.hpp"
#include "operator/controller/watches.hpp"
#include "operator/dry_run/changes.hpp"
#include "operator/plan/record.hpp"
#include "operator/resources/names.hpp"
#include "turnkeeper/api/parse.hpp"
#include "turnkeeper/api/yaml_document.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/kube/http_transport.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Other Kubernetes clusters get so long to answer.
constexpr auto site_patience = 10s;

struct Asked {
  json object;  // as the file has it
  api::TurnCluster cluster;
};

Result<Asked> read(const std::string& path) {
  auto cluster = api::parse_file(path);
  if (!cluster) return fail(api::problems_text(cluster.error(), path));
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  auto document = api::read_yaml(text.str());
  if (!document) return fail(path + " changed while it was read");
  return Asked{std::move(document->value), std::move(*cluster)};
}

Deadline soon() {
  return Deadline::after(real_clock(), 30s);
}

// The TurnCluster as it would be once the file is applied.
json applied(const json& live, const json& asked) {
  json object = live;
  object["spec"] = asked.at("spec");
  if (asked.at("metadata").contains("annotations"))
    object["metadata"]["annotations"].update(asked["metadata"]["annotations"]);
  return object;
}

const json* find(const std::vector<Placed>& objects, const Placed& wanted) {
  const auto found = std::ranges::find_if(objects, [&](const Placed& there) {
    return there.site == wanted.site && object_title(there.object) == object_title(wanted.object);
  });
  return found == objects.end() ? nullptr : &found->object;
}

class Changes {
 public:
  Changes(const Observed& observed, Watches& watches, std::string namespace_name)
      : observed_(observed), watches_(watches), namespace_name_(std::move(namespace_name)) {}

  Result<std::vector<Change>> of(const Plan& plan, const std::string& cluster) {
    std::vector<Change> changes;
    if (plan.record) changes.push_back(record(*plan.record, cluster));
    for (const auto& placed : plan.create) changes.push_back(*created(placed));
    for (const auto& placed : plan.apply) {
      const json* before = find(observed_.children, placed);
      auto change = before != nullptr ? updated(placed, *before) : created(placed);
      if (!change) return fail(change.error());
      changes.push_back(std::move(*change));
    }
    for (const auto& ref : plan.prune) {
      changes.push_back({.kind = Change::Kind::remove,
                         .site = ref.site,
                         .object = ref.kind + ' ' + ref.namespace_name + '/' + ref.name,
                         .fields = {}});
    }
    return changes;
  }

 private:
  [[nodiscard]] Change record(const std::set<std::string>& sites, const std::string& cluster) const {
    return {
        .kind = Change::Kind::update,
        .site = "",
        .object = "TurnCluster " + namespace_name_ + '/' + cluster,
        .fields = {{std::string("metadata.annotations[") + sites_record + ']', json(observed_.recorded), json(sites)}}};
  }

  static Result<Change> created(const Placed& placed) {
    return Change{
        .kind = Change::Kind::create, .site = placed.site, .object = object_title(placed.object), .fields = {}};
  }

  Result<Change> updated(const Placed& placed, const json& before) {
    const auto* type = type_of(placed.object.at("kind"));
    const auto site = watches_.site(namespace_name_, placed.site);
    if (type == nullptr || !site) return fail("cannot ask about " + object_title(placed.object));
    const auto after =
        site->client().apply(*type, placed.object, {.field_manager = field_manager, .dry_run = true}, soon());
    if (!after) return fail(turnkeeper::Error(after.error().within(object_title(placed.object))));
    return Change{.kind = Change::Kind::update,
                  .site = placed.site,
                  .object = object_title(placed.object),
                  .fields = differences(before, *after)};
  }

  const Observed& observed_;
  Watches& watches_;
  const std::string namespace_name_;
};

void tell_unreachable(const Observed& observed, std::ostream& out) {
  for (const auto& [site, why] : observed.unreachable) out << "# nothing is planned at " << site << ": " << why << '\n';
}

bool print_yaml(const Plan& plan, std::ostream& out) {
  std::vector<json> objects;
  for (const auto* list : {&plan.create, &plan.apply}) {
    for (const auto& placed : *list) objects.push_back(without_secrets(placed.object));
  }
  out << yaml(objects);
  return !objects.empty();
}

Result<Settings> settings_for(const DryRun& request, const std::vector<Placed>& children) {
  Settings settings{.agent_image = request.agent_image};
  if (settings.agent_image.empty()) settings.agent_image = agent_image_in_use(children);
  if (settings.agent_image.empty())
    return fail("no relay runs yet, so the agent's image is not known", "name it with --agent-image");
  settings.vantage = vantages_in_use(children);
  return settings;
}

void tell_vantages(const api::TurnCluster& cluster, const Settings& settings, std::ostream& out) {
  if (!settings.vantage && !vantages_of(cluster).empty())
    out << "# the monitors of vantages are not among what follows: none runs yet\n";
}

Result<bool> offline(const DryRun& request, Asked asked, std::ostream& out) {
  if (!request.namespace_name.empty()) asked.cluster.namespace_name = request.namespace_name;
  if (asked.cluster.namespace_name.empty()) asked.cluster.namespace_name = "default";
  const auto settings = settings_for(request, {});
  if (!settings) return fail(settings.error());
  const Plan plan = op::plan(asked.cluster, {}, *settings, real_clock().system());
  tell_vantages(asked.cluster, *settings, out);
  if (request.output == DryRun::Output::yaml) return print_yaml(plan, out);
  std::vector<Change> changes;
  for (const auto* list : {&plan.create, &plan.apply}) {
    for (const auto& placed : *list)
      changes.push_back({.site = placed.site, .object = object_title(placed.object), .fields = {}});
  }
  out << text(changes);
  return !changes.empty();
}

}  // namespace

std::string agent_image_in_use(const std::vector<Placed>& children) {
  for (const auto& [site, object] : children) {
    if (object.value("kind", "") != "StatefulSet") continue;
    const auto image = kube::text_at(object, "/spec/template/spec/initContainers/0/image");
    if (!image.empty()) return image;
  }
  return {};
}

std::optional<VantageSettings> vantages_in_use(const std::vector<Placed>& children) {
  for (const auto& [site, object] : children) {
    const json::json_pointer arguments("/spec/template/spec/containers/0/args");
    const auto label = json::json_pointer("/metadata/labels") / vantage_label;
    if (object.value("kind", "") != "Deployment" || !object.contains(label) || !object.contains(arguments)) continue;
    VantageSettings settings;
    for (const auto& argument : object.at(arguments)) {
      const auto text = argument.is_string() ? argument.get<std::string>() : std::string();
      if (text.starts_with("--operator=")) settings.operator_address = text.substr(text.find('=') + 1);
      if (text.starts_with("--exchange-peer=")) settings.exchange_peer = text.substr(text.find('=') + 1);
    }
    return settings;
  }
  return std::nullopt;
}

Result<bool> dry_run(const DryRun& request, std::ostream& out) {
  auto asked = read(request.file);
  if (!asked) return fail(asked.error());
  if (request.offline) return offline(request, std::move(*asked), out);

  const Clock& clock = real_clock();
  const auto config = kube::load_config({.kubeconfig_flag = request.kubeconfig}, kube::Environment::of_process());
  if (!config) return fail(config.error().message, config.error().advice + "; or give --offline");
  auto transport = kube::connect(*config, clock);
  if (!transport) return fail(transport.error());
  std::stop_source stop;
  kube::Client client(*transport, stop.get_token());

  auto& cluster = asked->cluster;
  for (const auto& name :
       {request.namespace_name, cluster.namespace_name, config->namespace_name, std::string("default")}) {
    if (name.empty()) continue;
    cluster.namespace_name = name;
    break;
  }
  // So that its threads do not hold up the end.
  struct Ended {
    std::stop_source& stop;
    ~Ended() { stop.request_stop(); }
  };
  Watches watches(client, clock, {}, [](const kube::ObjectKey&, bool) {});
  const Ended ended{stop};
  if (auto synced = watches.wait_until_synced(stop.get_token(), Deadline::after(clock, 60s)); !synced)
    return fail(turnkeeper::Error(synced.error()));

  json object = asked->object;
  object["metadata"]["namespace"] = cluster.namespace_name;
  if (const auto live = watches.clusters().get({cluster.namespace_name, cluster.name})) {
    object = applied(*live, asked->object);
    cluster.uid = kube::uid_of(*live);
  }
  Observed observed = watches.observe(cluster, object);
  const auto patience = Deadline::after(clock, site_patience);
  while (!observed.unreachable.empty() && !patience.expired(clock)) {
    std::this_thread::sleep_for(100ms);
    observed = watches.observe(cluster, object);
  }
  if (const auto paused = observed.annotations.find("turnkeeper.io/paused");
      paused != observed.annotations.end() && paused->second == "true") {
    cluster.spec.paused = true;
  }
  const auto settings = settings_for(request, observed.children);
  if (!settings) return fail(settings.error());
  Plan plan = op::plan(cluster, observed, *settings, clock.system());
  // What would be asked for, whatever has changed meanwhile.
  for (auto& placed : plan.apply) placed.object["metadata"].erase("resourceVersion");
  tell_unreachable(observed, out);
  tell_vantages(cluster, *settings, out);
  if (cluster.spec.paused) out << "# it is paused: nothing is changed\n";
  if (request.output == DryRun::Output::yaml) return print_yaml(plan, out);
  const auto changes = Changes(observed, watches, cluster.namespace_name).of(plan, cluster.name);
  if (!changes) return fail(changes.error());
  out << text(*changes);
  return !changes->empty();
}

}  // namespace turnkeeper::op
