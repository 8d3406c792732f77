#include "turnkeeper/kube/store.hpp"

#include <algorithm>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

json value_of(const Likeness::Kept& text) {
  return unpack(Likeness::restore(text));
}

}  // namespace

Store::Store(std::string label) : label_(std::move(label)) {}

Store::Entry Store::entry_of(Packed object) {
  return {.uid = std::hash<std::string>()(object.uid),
          .version = std::move(object.version),
          .label = std::move(object.label),
          .text = alike_.shrink(object.text)};
}

template <class Use>
void Store::for_labelled(const std::string& namespace_name, const std::string& value, Use use) const {
  const std::string before_all;
  std::lock_guard lock(mutex_);
  for (auto it = by_label_.lower_bound(ByLabel::Place(namespace_name, value, before_all)); it != by_label_.end();
       ++it) {
    const auto& [key, entry] = **it;
    if (key.namespace_name != namespace_name || entry.label != value) return;
    use(key, entry);
  }
}

ObjectPtr Store::get(const ObjectKey& key) const {
  Likeness::Kept text;
  {
    std::lock_guard lock(mutex_);
    const auto it = objects_.find(key);
    if (it == objects_.end()) return nullptr;
    text = it->second.text;
  }
  return std::make_shared<const json>(value_of(text));
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
  std::vector<Likeness::Kept> found;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : objects_) {
      if (namespace_name.empty() || key.namespace_name == namespace_name) found.push_back(entry.text);
    }
  }
  std::vector<ObjectPtr> out;
  for (const auto& text : found) out.push_back(std::make_shared<const json>(value_of(text)));
  return out;
}

std::vector<json> Store::labelled(const std::string& namespace_name, const std::string& value) const {
  std::vector<Likeness::Kept> found;
  for_labelled(namespace_name, value, [&](const ObjectKey&, const Entry& entry) { found.push_back(entry.text); });
  std::vector<json> out;
  for (const auto& text : found) out.push_back(value_of(text));
  return out;
}

std::vector<std::pair<ObjectKey, std::string>> Store::versions(const std::string& namespace_name,
                                                               const std::string& value) const {
  std::vector<std::pair<ObjectKey, std::string>> out;
  for_labelled(namespace_name, value,
               [&](const ObjectKey& key, const Entry& entry) { out.emplace_back(key, entry.version); });
  return out;
}

bool Store::synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

std::vector<Store::Change> Store::replace(std::vector<json> objects) {
  std::vector<Change> changes;
  std::lock_guard lock(mutex_);
  Objects fresh;
  for (auto& object : objects) {
    Packed packed = pack(std::move(object), label_);
    ObjectKey key = packed.key;
    fresh.emplace(std::move(key), entry_of(std::move(packed)));
  }
  for (const auto& [key, before] : objects_) {
    if (!fresh.contains(key)) changes.push_back({key, true, false, before.label, {}});
  }
  by_label_.clear();
  for (const auto& object : fresh) {
    const auto& [key, after] = object;
    if (!after.label.empty()) by_label_.insert(&object);
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
  ObjectKey key = object.key;
  std::lock_guard lock(mutex_);
  Entry after = entry_of(std::move(object));
  const auto [it, fresh] = objects_.try_emplace(std::move(key));
  Entry& slot = it->second;
  if (!fresh && slot.uid == after.uid && slot.version == after.version) return {};
  Change change{it->first, !fresh, true, slot.label, after.label};
  // Out while its place is still the old one.
  if (!slot.label.empty()) by_label_.erase(&*it);
  slot = std::move(after);
  if (!slot.label.empty()) by_label_.insert(&*it);
  return {std::move(change)};
}

std::vector<Store::Change> Store::erase(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  const auto it = objects_.find(key);
  if (it == objects_.end()) return {};
  Change change{key, true, false, it->second.label, {}};
  if (!it->second.label.empty()) by_label_.erase(&*it);
  objects_.erase(it);
  return {std::move(change)};
}

}  // namespace turnkeeper::kube
