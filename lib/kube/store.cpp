#include "turnkeeper/kube/store.hpp"

#include <algorithm>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

}  // namespace

Store::Store(std::string label) : label_(std::move(label)) {}

Store::Entry Store::entry_of(Packed object) {
  object.cbor.shrink_to_fit();
  return {.uid = std::hash<std::string>()(object.uid),
          .version = std::move(object.version),
          .label = std::move(object.label),
          .bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(object.cbor))};
}

void Store::index_locked(const ObjectKey& key, const Entry& entry) {
  if (!entry.label.empty()) by_label_[{key.namespace_name, entry.label}].push_back(key);
}

void Store::unindex_locked(const ObjectKey& key, const Entry& entry) {
  const auto found = by_label_.find({key.namespace_name, entry.label});
  if (found == by_label_.end()) return;
  std::erase(found->second, key);
  if (found->second.empty()) by_label_.erase(found);
}

ObjectPtr Store::get(const ObjectKey& key) const {
  Bytes bytes;
  {
    std::lock_guard lock(mutex_);
    const auto it = objects_.find(key);
    if (it == objects_.end()) return nullptr;
    bytes = it->second.bytes;
  }
  return std::make_shared<const json>(unpack(*bytes));
}

std::string Store::version_of(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  return it == objects_.end() ? std::string() : it->second.version;
}

std::vector<ObjectKey> Store::keys() const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectKey> out;
  for (const auto& [key, entry] : objects_) out.push_back(key);
  return out;
}

std::vector<ObjectPtr> Store::list(const std::string& namespace_name) const {
  std::vector<Bytes> found;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : objects_) {
      if (namespace_name.empty() || key.namespace_name == namespace_name) found.push_back(entry.bytes);
    }
  }
  std::vector<ObjectPtr> out;
  for (const auto& bytes : found) out.push_back(std::make_shared<const json>(unpack(*bytes)));
  return out;
}

std::vector<json> Store::labelled(const std::string& namespace_name, const std::string& value) const {
  std::vector<Bytes> found;
  {
    std::lock_guard lock(mutex_);
    const auto keys = by_label_.find({namespace_name, value});
    if (keys == by_label_.end()) return {};
    for (const auto& key : keys->second) found.push_back(objects_.at(key).bytes);
  }
  std::vector<json> out;
  for (const auto& bytes : found) out.push_back(unpack(*bytes));
  return out;
}

std::vector<std::pair<ObjectKey, std::string>> Store::versions(const std::string& namespace_name,
                                                               const std::string& value) const {
  std::vector<std::pair<ObjectKey, std::string>> out;
  std::lock_guard lock(mutex_);
  const auto keys = by_label_.find({namespace_name, value});
  if (keys == by_label_.end()) return out;
  for (const auto& key : keys->second) out.emplace_back(key, objects_.at(key).version);
  return out;
}

bool Store::synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

std::vector<Store::Change> Store::replace(std::vector<json> objects) {
  Objects fresh;
  for (auto& object : objects) {
    Packed packed = pack(std::move(object), label_);
    ObjectKey key = packed.key;
    fresh.emplace(std::move(key), entry_of(std::move(packed)));
  }
  std::vector<Change> changes;
  std::lock_guard lock(mutex_);
  for (const auto& [key, before] : objects_) {
    if (!fresh.contains(key)) changes.push_back({key, true, false, before.label, {}});
  }
  by_label_.clear();
  for (const auto& [key, after] : fresh) {
    index_locked(key, after);
    const auto it = objects_.find(key);
    const bool there = it != objects_.end();
    if (there && it->second.uid == after.uid && it->second.version == after.version) continue;
    changes.push_back({key, there, true, there ? it->second.label : std::string(), after.label});
  }
  objects_ = std::move(fresh);
  synced_ = true;
  return changes;
}

std::vector<Store::Change> Store::put(Packed object) {
  const ObjectKey key = object.key;
  Entry after = entry_of(std::move(object));
  std::lock_guard lock(mutex_);
  const auto [it, fresh] = objects_.try_emplace(key);
  Entry& slot = it->second;
  if (!fresh && slot.uid == after.uid && slot.version == after.version) return {};
  Change change{key, !fresh, true, slot.label, after.label};
  if (fresh || slot.label != after.label) {
    if (!fresh) unindex_locked(key, slot);
    index_locked(key, after);
  }
  slot = std::move(after);
  return {std::move(change)};
}

std::vector<Store::Change> Store::erase(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return {};
  Change change{key, true, false, it->second.label, {}};
  unindex_locked(key, it->second);
  objects_.erase(it);
  return {std::move(change)};
}

}  // namespace turnkeeper::kube
