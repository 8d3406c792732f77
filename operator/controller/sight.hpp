// What is there of a TurnCluster, each object in its version, as one number: a sum of hashes, so that one's own write
// is added without looking at the rest again. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

class Sight {
 public:
  void add(const std::string& kind, const kube::ObjectKey& key, const std::string& version) {
    sum_ += hash(kind, key, version);
  }
  void remove(const std::string& kind, const kube::ObjectKey& key, const std::string& version) {
    sum_ -= hash(kind, key, version);
  }
  // Of another look at something else.
  void add(std::uint64_t revision) { sum_ += std::hash<std::string>()("#" + std::to_string(revision)); }
  Sight& operator+=(const Sight& more) {
    sum_ += more.sum_;
    return *this;
  }
  bool operator==(const Sight&) const = default;

 private:
  static std::uint64_t hash(const std::string& kind, const kube::ObjectKey& key, const std::string& version) {
    return std::hash<std::string>()(kind + ' ' + key.name + ' ' + version);
  }
  std::uint64_t sum_ = 0;
};

}  // namespace turnkeeper::op
