// What a reflector knows of one kind of object, read without waiting for the API server. Thread-safe.
//
// Objects are kept packed (CBOR): as JSON values they would take ten times as much memory. Each read unpacks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

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
  using Bytes = std::shared_ptr<const std::vector<std::uint8_t>>;
  struct Entry {
    std::size_t uid = 0;  // its hash
    std::string version;
    std::string label;
    Bytes bytes;
  };
  using Objects = std::map<ObjectKey, Entry>;
  [[nodiscard]] static Entry entry_of(Packed object);
  void index_locked(const ObjectKey& key, const Entry& entry);
  void unindex_locked(const ObjectKey& key, const Entry& entry);

  const std::string label_;
  mutable std::mutex mutex_;
  Objects objects_;
  std::map<std::pair<std::string, std::string>, std::vector<ObjectKey>> by_label_;  // namespace and value
  bool synced_ = false;
};

}  // namespace turnkeeper::kube
