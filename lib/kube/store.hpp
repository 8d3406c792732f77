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
  // Has it ever held the complete list? Until then an absent object means nothing.
  [[nodiscard]] bool synced() const;

  // What changed, by key; an object whose resourceVersion is the same has not changed.
  struct Change {
    ObjectKey key;
    bool was_there = false;
    bool is_there = false;
    std::string label_before;  // the values of the label; empty without one
    std::string label_after;
  };
  [[nodiscard]] std::vector<Change> replace(std::vector<nlohmann::json> objects);
  [[nodiscard]] std::vector<Change> put(nlohmann::json object);
  [[nodiscard]] std::vector<Change> erase(const ObjectKey& key);

 private:
  struct Packed {
    std::string uid;
    std::string version;
    std::string label;
    std::shared_ptr<const std::vector<std::uint8_t>> bytes;
  };
  using Objects = std::map<ObjectKey, Packed>;
  [[nodiscard]] Packed pack(nlohmann::json object) const;
  void index_locked(const ObjectKey& key, const Packed& packed);
  void unindex_locked(const ObjectKey& key, const Packed& packed);

  const nlohmann::json::json_pointer label_at_;
  mutable std::mutex mutex_;
  Objects objects_;
  std::map<std::pair<std::string, std::string>, std::vector<ObjectKey>> by_label_;  // namespace and value
  bool synced_ = false;
};

}  // namespace turnkeeper::kube
