#include "operator/controller/watches.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>

#include "operator/resources/names.hpp"
#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

const std::array<const kube::ResourceType*, 7> child_types{
    &kube::config_maps,      &kube::secrets, &kube::services, &kube::stateful_sets, &kube::pod_disruption_budgets,
    &kube::network_policies, &kube::pods};

const json::json_pointer label_at = json::json_pointer("/metadata/labels") / cluster_label;

std::string cluster_of(const kube::ObjectPtr& object) {
  return object && object->contains(label_at) && object->at(label_at).is_string()
             ? object->at(label_at).get<std::string>()
             : std::string();
}

std::string external_ip(const kube::ObjectPtr& node) {
  const json::json_pointer addresses("/status/addresses");
  if (!node || !node->contains(addresses)) return {};
  for (const auto& address : node->at(addresses)) {
    if (kube::text_at(address, "/type") == "ExternalIP") return kube::text_at(address, "/address");
  }
  return {};
}

std::vector<json> copies(const std::vector<kube::ObjectPtr>& objects) {
  std::vector<json> out;
  for (const auto& object : objects) out.push_back(*object);
  return out;
}

}  // namespace

const kube::ResourceType turn_clusters{api::group, api::version, api::kind, api::plural};

const kube::ResourceType* child_type(const std::string& kind) {
  const auto it = std::find_if(child_types.begin(), child_types.end(), [&](const auto* t) { return t->kind == kind; });
  return it == child_types.end() ? nullptr : *it;
}

Watches::Watches(kube::Client& client, const Clock& clock, std::function<void(const kube::ObjectKey&)> wake)
    : client_(client), clock_(clock), wake_(std::move(wake)) {
  add(turn_clusters, "", [this](const auto& change) { wake_(change.key); });
  for (const auto* type : child_types) {
    add(*type, cluster_label, [this](const auto& change) {
      // Both: a label that was changed by someone concerns the cluster that lost the object too.
      const std::string before = cluster_of(change.before);
      const std::string after = cluster_of(change.after);
      if (!before.empty()) wake_({change.key.namespace_name, before});
      if (!after.empty() && after != before) wake_({change.key.namespace_name, after});
    });
  }
  add(kube::nodes, "", [this](const auto& change) {
    // Nodes report their state every few seconds; only a new address is news.
    if (external_ip(change.before) == external_ip(change.after)) return;
    for (const auto& cluster : clusters().list()) wake_(kube::key_of(*cluster));
  });
  for (auto& reflector : reflectors_) {
    threads_.emplace_back([&reflector = *reflector](std::stop_token stop) { reflector.run(stop); });
  }
}

Watches::~Watches() {
  for (auto& thread : threads_) thread.request_stop();
}

void Watches::add(kube::ResourceType type, std::string selector,
                  std::function<void(const kube::Store::Change&)> on_change) {
  reflectors_.push_back(std::make_unique<kube::Reflector>(
      client_,
      kube::Reflector::Options{.type = std::move(type),
                               .namespace_name = {},
                               .label_selector = std::move(selector),
                               .on_change = std::move(on_change),
                               .if_unknown_kind = "install it: kubectl apply -f crds/turnclusters.yaml"},
      clock_));
}

Result<> Watches::wait_until_synced(std::stop_token stop, Deadline deadline) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    bool all = true;
    const kube::Reflector* missing = nullptr;
    for (const auto& reflector : reflectors_) {
      if (reflector->store().synced()) continue;
      all = false;
      const auto trouble = reflector->trouble();
      if (!trouble) continue;
      if (!trouble->transient()) return fail(turnkeeper::Error(*trouble));
      missing = reflector.get();
    }
    if (all) return {};
    if (deadline.expired(clock_)) {
      const auto trouble = missing != nullptr ? missing->trouble() : std::nullopt;
      return trouble ? fail(turnkeeper::Error(*trouble)) : fail("the API server does not answer", "check its load");
    }
    wake.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
  }
  return fail("stopped while reading the cluster's state");
}

bool Watches::synced() const {
  return std::all_of(reflectors_.begin(), reflectors_.end(), [](const auto& r) { return r->store().synced(); });
}

const kube::Reflector* Watches::reflector_of(const std::string& kind) const {
  const auto it =
      std::find_if(reflectors_.begin(), reflectors_.end(), [&](const auto& r) { return r->type().kind == kind; });
  return it == reflectors_.end() ? nullptr : it->get();
}

std::vector<json> Watches::children(const kube::ObjectKey& cluster) const {
  std::vector<json> out;
  for (const auto* type : child_types) {
    if (type == &kube::pods) continue;
    std::ranges::move(
        copies(reflector_of(type->kind)->store().list_by_label(cluster.namespace_name, cluster_label, cluster.name)),
        std::back_inserter(out));
  }
  return out;
}

std::vector<json> Watches::pods(const kube::ObjectKey& cluster) const {
  return copies(reflector_of("Pod")->store().list_by_label(cluster.namespace_name, cluster_label, cluster.name));
}

std::string Watches::version_of(const std::string& kind, const kube::ObjectKey& key) const {
  const auto* reflector = reflector_of(kind);
  const auto object = reflector == nullptr ? nullptr : reflector->store().get(key);
  return object ? kube::resource_version_of(*object) : std::string();
}

NodeAddresses Watches::nodes() const {
  NodeAddresses out;
  for (const auto& node : reflector_of("Node")->store().list()) {
    if (auto address = external_ip(node); !address.empty()) out.emplace(kube::key_of(*node).name, std::move(address));
  }
  return out;
}

}  // namespace turnkeeper::op
