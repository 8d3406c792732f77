// The kinds of objects that the operator reads and makes.
#pragma once

#include <string>
#include <vector>

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

// TurnClusters in the API.
extern const kube::ResourceType turn_clusters;

struct ChildKind {
  const kube::ResourceType& type;
  bool optional;  // of a product that need not be installed
};
// What a TurnCluster's children are; not Pods, which other controllers make.
[[nodiscard]] const std::vector<ChildKind>& child_kinds();

// By the "kind" of an object: a child's, or Pod. Null when it is none of them.
[[nodiscard]] const kube::ResourceType* type_of(const std::string& kind);

}  // namespace turnkeeper::op
