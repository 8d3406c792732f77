// What a reflector knows of one kind of object: whole snapshots, read without waiting for the API server. Thread-safe.
// Readers get immutable objects that stay valid as long as they hold them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::kube {

using ObjectPtr = std::shared_ptr<const nlohmann::json>;

class Store {
 public:
  // Null when there is none.
  [[nodiscard]] ObjectPtr get(const ObjectKey& key) const;
  // In the order of their keys. An empty namespace: all.
  [[nodiscard]] std::vector<ObjectPtr> list(const std::string& namespace_name = {}) const;
  // Objects whose label `name` has this value.
  [[nodiscard]] std::vector<ObjectPtr> list_by_label(const std::string& namespace_name, const std::string& name,
                                                     const std::string& value) const;
  // Has it ever held the complete list? Until then an absent object means nothing.
  [[nodiscard]] bool synced() const;

  // Both report what changed, by key; an object whose resourceVersion is the same has not changed.
  // Old and new may be null, never both.
  struct Change {
    ObjectKey key;
    ObjectPtr before;
    ObjectPtr after;
  };
  [[nodiscard]] std::vector<Change> replace(std::vector<nlohmann::json> objects);
  [[nodiscard]] std::vector<Change> put(nlohmann::json object);
  [[nodiscard]] std::vector<Change> erase(const ObjectKey& key);

 private:
  mutable std::mutex mutex_;
  std::map<ObjectKey, ObjectPtr> objects_;
  bool synced_ = false;
};

}  // namespace turnkeeper::kube
