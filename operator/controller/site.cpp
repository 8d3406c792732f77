#include "operator/controller/site.hpp"

#include <algorithm>

#include "operator/controller/kinds.hpp"
#include "operator/controller/node_facts.hpp"
#include "operator/resources/names.hpp"

namespace turnkeeper::op {
Site::Site(std::string name, kube::Client& client, const Clock& clock, const std::string& namespace_name,
           Listeners listeners)
    : name_(std::move(name)), client_(client), clock_(clock), listeners_(std::move(listeners)) {
  const auto telling = [](const auto& listener) {
    return [&listener](const kube::Store::Change& change) {
      const auto& before = change.label_before;
      const auto& after = change.label_after;
      // Both: a label that was changed by someone concerns the cluster that lost the object too.
      if (!before.empty()) listener({change.key.namespace_name, before});
      if (!after.empty() && after != before) listener({change.key.namespace_name, after});
    };
  };
  for (const auto& [type, optional] : child_kinds()) {
    watch({.type = type,
           .namespace_name = namespace_name,
           .label_selector = cluster_label,
           .field_selector = {},
           .indexed_label = cluster_label,
           .optional = optional,
           .on_change = telling(listeners_.child)});
  }
  watch({.type = kube::pods,
         .namespace_name = namespace_name,
         .label_selector = cluster_label,
         .field_selector = {},
         .indexed_label = cluster_label,
         .on_change = telling(listeners_.pod)});
  watch({.type = kube::nodes,
         .namespace_name = {},
         .label_selector = {},
         .field_selector = {},
         .indexed_label = {},
         .on_change = [this](const auto& change) { node_changed(change.key); }});
  for (auto& reflector : reflectors_) {
    threads_.emplace_back([&reflector = *reflector](std::stop_token stop) { reflector.run(stop); });
  }
}

Site::~Site() {
  for (auto& thread : threads_) thread.request_stop();
}

void Site::watch(kube::Reflector::Options options) {
  reflectors_.push_back(std::make_unique<kube::Reflector>(client_, std::move(options), clock_));
}

bool Site::synced() const {
  return std::all_of(reflectors_.begin(), reflectors_.end(), [](const auto& r) { return r->store().synced(); });
}

std::optional<kube::Error> Site::trouble() const {
  for (const auto& reflector : reflectors_) {
    if (auto trouble = reflector->trouble()) return trouble;
  }
  if (!synced()) return kube::Error(kube::ErrorKind::unreachable, "its state is being read");
  return std::nullopt;
}

kube::Result<> Site::wait_until_synced(std::stop_token stop, Deadline deadline) const {
  std::vector<const kube::Reflector*> all;
  for (const auto& reflector : reflectors_) all.push_back(reflector.get());
  return kube::wait_until_synced(all, clock_, std::move(stop), deadline);
}

const kube::Reflector* Site::reflector_of(const std::string& kind) const {
  const auto it =
      std::find_if(reflectors_.begin(), reflectors_.end(), [&](const auto& r) { return r->type().kind == kind; });
  return it == reflectors_.end() ? nullptr : it->get();
}

void Site::append(const std::string& kind, const kube::ObjectKey& cluster, std::vector<Placed>& out) const {
  const auto& store = reflector_of(kind)->store();
  for (auto& object : store.labelled(cluster.namespace_name, cluster.name)) out.push_back({name_, std::move(object)});
}

std::vector<Placed> Site::children(const kube::ObjectKey& cluster) const {
  std::vector<Placed> out;
  for (const auto& kind : child_kinds()) append(kind.type.kind, cluster, out);
  return out;
}

std::vector<Placed> Site::pods(const kube::ObjectKey& cluster) const {
  std::vector<Placed> out;
  append(kube::pods.kind, cluster, out);
  return out;
}

std::string Site::version_of(const std::string& kind, const kube::ObjectKey& key) const {
  const auto* reflector = reflector_of(kind);
  return reflector == nullptr ? std::string() : reflector->store().version_of(key);
}

Sight Site::sight(const kube::ObjectKey& cluster) const {
  Sight sight;
  const auto add = [&](const kube::ResourceType& type) {
    for (const auto& [key, version] : reflector_of(type.kind)->store().versions(cluster.namespace_name, cluster.name)) {
      sight.add(type.kind, key, version);
    }
  };
  for (const auto& kind : child_kinds()) add(kind.type);
  add(kube::pods);
  std::lock_guard lock(nodes_mutex_);
  sight.add(nodes_revision_);
  return sight;
}

void Site::node_changed(const kube::ObjectKey& key) {
  const auto node = reflector_of(kube::nodes.kind)->store().get(key);
  {
    std::lock_guard lock(nodes_mutex_);
    auto facts = node ? std::optional(node_facts(*node)) : std::nullopt;
    const auto known = nodes_.find(key.name);
    // Nodes report their state every few seconds; only what is planned by is news.
    if (facts ? known != nodes_.end() && known->second == *facts : known == nodes_.end()) return;
    ++nodes_revision_;
    if (facts) {
      nodes_[key.name] = std::move(*facts);
    } else {
      nodes_.erase(known);
    }
  }
  listeners_.nodes();
}

std::map<std::string, NodeFacts> Site::nodes() const {
  std::lock_guard lock(nodes_mutex_);
  return nodes_;
}

}  // namespace turnkeeper::op
