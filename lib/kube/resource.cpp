#include "turnkeeper/kube/resource.hpp"

#include <algorithm>
#include <charconv>

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

std::string text_at(const nlohmann::json& object, std::string_view pointer) {
  // By hand, as long as no name is escaped: asked hundreds of times in a pass, and nlohmann's pointer is a list of
  // strings.
  if (pointer.find('~') != std::string_view::npos) {
    const nlohmann::json::json_pointer at{std::string(pointer)};
    const bool there = object.contains(at) && object.at(at).is_string();
    return there ? object.at(at).get<std::string>() : std::string();
  }
  const auto* at = &object;
  while (!pointer.empty()) {
    const auto end = std::min(pointer.find('/', 1), pointer.size());
    const auto step = pointer.substr(1, end - 1);
    pointer.remove_prefix(end);
    if (at->is_array()) {
      std::size_t index = 0;
      const auto [stop, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error != std::errc() || stop != step.data() + step.size() || index >= at->size()) return {};
      at = &(*at)[index];
      continue;
    }
    if (!at->is_object()) return {};
    const auto found = at->find(step);
    if (found == at->end()) return {};
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : std::string();
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
