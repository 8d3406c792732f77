#include "operator/controller/node_facts.hpp"

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

std::map<std::string, std::string> strings(const json& object, const json::json_pointer& at) {
  std::map<std::string, std::string> out;
  if (!object.contains(at)) return out;
  for (const auto& [name, value] : object.at(at).items()) {
    if (value.is_string()) out.emplace(name, value.get<std::string>());
  }
  return out;
}

}  // namespace

NodeFacts node_facts(const json& node) {
  NodeFacts facts;
  facts.annotations = strings(node, json::json_pointer("/metadata/annotations"));
  facts.labels = strings(node, json::json_pointer("/metadata/labels"));
  const json::json_pointer addresses("/status/addresses");
  if (node.contains(addresses)) {
    for (const auto& address : node.at(addresses)) {
      const std::string type = kube::text_at(address, "/type");
      if (type == "ExternalIP") facts.external_ips.push_back(kube::text_at(address, "/address"));
      if (type == "InternalIP") facts.internal_ips.push_back(kube::text_at(address, "/address"));
    }
  }
  const json::json_pointer unschedulable("/spec/unschedulable");
  facts.unschedulable = node.contains(unschedulable) && node.at(unschedulable) == true;
  return facts;
}

}  // namespace turnkeeper::op
