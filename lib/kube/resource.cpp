#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::kube {

std::string ObjectKey::text() const {
  return namespace_name.empty() ? name : namespace_name + "/" + name;
}

std::string ResourceType::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string ResourceType::collection_path(const std::string& namespace_name) const {
  std::string path = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (namespaced && !namespace_name.empty()) path += "/namespaces/" + namespace_name;
  return path + "/" + plural;
}

std::string ResourceType::object_path(const ObjectKey& key) const {
  return collection_path(key.namespace_name) + "/" + key.name;
}

std::string text_at(const nlohmann::json& object, const std::string& pointer) {
  const nlohmann::json::json_pointer at(pointer);
  if (!object.contains(at)) return {};
  const auto& value = object.at(at);
  return value.is_string() ? value.get<std::string>() : std::string();
}

ObjectKey key_of(const nlohmann::json& object) {
  return {text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")};
}

std::string uid_of(const nlohmann::json& object) {
  return text_at(object, "/metadata/uid");
}

std::string resource_version_of(const nlohmann::json& object) {
  return text_at(object, "/metadata/resourceVersion");
}

}  // namespace turnkeeper::kube
