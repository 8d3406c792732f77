// What a reflector knows of one kind of object, read without waiting for the API server. Thread-safe.
//
// Objects are kept as text, each as what differs from another of its kind: as JSON values they would take a hundred
// times as much memory. Each read unpacks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "turnkeeper/kube/likeness.hpp"
#include "turnkeeper/kube/packing.hpp"
#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::kube {

using ObjectPtr = std::shared_ptr<const nlohmann::json>;

class Store {
 public:
  // `label`: objects can be found by their value of it; empty: they cannot.
  explicit Store(std::string label = {});

  // Null when there is none.
  [[nodiscard]] ObjectPtr get(const ObjectKey& key) const;
  // Its resource version; empty when there is none.
  [[nodiscard]] std::string version_of(const ObjectKey& key) const;
  // In their order.
  [[nodiscard]] std::vector<ObjectKey> keys() const;
  // In the order of their keys. An empty namespace: all.
  [[nodiscard]] std::vector<ObjectPtr> list(const std::string& namespace_name = {}) const;
  // Those of a namespace whose label has this value.
  [[nodiscard]] std::vector<nlohmann::json> labelled(const std::string& namespace_name, const std::string& value) const;
  // Of the same, their resource versions.
  [[nodiscard]] std::vector<std::pair<ObjectKey, std::string>> versions(const std::string& namespace_name,
                                                                        const std::string& value) const;
  // Has it ever held the complete list? Until then an absent object means nothing.
  [[nodiscard]] bool synced() const;
  // What objects are found by.
  [[nodiscard]] const std::string& label() const { return label_; }

  // What changed, by key; an object whose resourceVersion is the same has not changed.
  struct Change {
    ObjectKey key;
    bool was_there = false;
    bool is_there = false;
    std::string label_before;  // the values of the label; empty without one
    std::string label_after;
  };
  [[nodiscard]] std::vector<Change> replace(std::vector<nlohmann::json> objects);
  // `object` packed with this store's label.
  [[nodiscard]] std::vector<Change> put(Packed object);
  [[nodiscard]] std::vector<Change> erase(const ObjectKey& key);

 private:
  struct Entry {
    std::size_t uid = 0;  // its hash
    std::string version;
    std::string label;
    Likeness::Kept text;
  };
  using Objects = std::map<ObjectKey, Entry>;
  // Objects that have the label, in the order of namespace, value and name. Points into objects_.
  struct ByLabel {
    using is_transparent = void;
    using Place = std::tuple<const std::string&, const std::string&, const std::string&>;
    static Place place(const Objects::value_type* object) {
      return {object->first.namespace_name, object->second.label, object->first.name};
    }
    static const Place& place(const Place& place) { return place; }
    bool operator()(const auto& a, const auto& b) const { return place(a) < place(b); }
  };
  [[nodiscard]] Entry entry_of(Packed object);
  // `use` is called with each object of that label, under the lock.
  template <class Use>
  void for_labelled(const std::string& namespace_name, const std::string& value, Use use) const;

  const std::string label_;
  mutable std::mutex mutex_;
  Likeness alike_;
  Objects objects_;
  std::set<const Objects::value_type*, ByLabel> by_label_;
  bool synced_ = false;
};

}  // namespace turnkeeper::kube
