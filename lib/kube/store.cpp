#include "turnkeeper/kube/store.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

// Who set which field is as large as the object itself, and nobody here reads it.
ObjectPtr slim(json object) {
  if (const auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object()) {
    metadata->erase("managedFields");
  }
  return std::make_shared<const json>(std::move(object));
}

bool same_version(const ObjectPtr& a, const ObjectPtr& b) {
  return a && b && uid_of(*a) == uid_of(*b) && resource_version_of(*a) == resource_version_of(*b);
}

}  // namespace

ObjectPtr Store::get(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<ObjectPtr> Store::list(const std::string& namespace_name) const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectPtr> out;
  for (const auto& [key, object] : objects_) {
    if (namespace_name.empty() || key.namespace_name == namespace_name) out.push_back(object);
  }
  return out;
}

std::vector<ObjectPtr> Store::list_by_label(const std::string& namespace_name, const std::string& name,
                                            const std::string& value) const {
  const auto pointer = json::json_pointer("/metadata/labels") / name;
  auto objects = list(namespace_name);
  std::erase_if(objects,
                [&](const ObjectPtr& object) { return !object->contains(pointer) || object->at(pointer) != value; });
  return objects;
}

bool Store::synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

std::vector<Store::Change> Store::replace(std::vector<json> objects) {
  std::map<ObjectKey, ObjectPtr> fresh;
  for (auto& object : objects) {
    ObjectKey key = key_of(object);
    fresh.emplace(std::move(key), slim(std::move(object)));
  }
  std::vector<Change> changes;
  std::lock_guard lock(mutex_);
  for (const auto& [key, before] : objects_) {
    if (!fresh.contains(key)) changes.push_back({key, before, nullptr});
  }
  for (const auto& [key, after] : fresh) {
    const auto it = objects_.find(key);
    const ObjectPtr before = it == objects_.end() ? nullptr : it->second;
    if (!same_version(before, after)) changes.push_back({key, before, after});
  }
  objects_ = std::move(fresh);
  synced_ = true;
  return changes;
}

std::vector<Store::Change> Store::put(json object) {
  const ObjectKey key = key_of(object);
  ObjectPtr after = slim(std::move(object));
  std::lock_guard lock(mutex_);
  ObjectPtr& slot = objects_[key];
  const ObjectPtr before = slot;
  slot = after;
  if (same_version(before, after)) return {};
  return {{key, before, after}};
}

std::vector<Store::Change> Store::erase(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return {};
  const ObjectPtr before = it->second;
  objects_.erase(it);
  return {{key, before, nullptr}};
}

}  // namespace turnkeeper::kube
