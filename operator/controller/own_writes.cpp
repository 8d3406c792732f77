#include "operator/controller/own_writes.hpp"

#include <algorithm>

namespace turnkeeper::op {

using nlohmann::json;

void OwnWrites::remember(const std::string& before, json written, SteadyTime now) {
  std::erase_if(writes_, [&](const auto& entry) { return now - entry.second.at >= believed_for; });
  Name name{kube::text_at(written, "/kind"), kube::key_of(written)};
  // A write that changed nothing is what the cache has.
  if (kube::resource_version_of(written) == before) {
    writes_.erase(name);
    return;
  }
  writes_[std::move(name)] = {before, std::move(written), now};
}

json OwnWrites::see(const std::string& kind, const kube::ObjectKey& key, json cached, SteadyTime now) {
  const auto it = writes_.find({kind, key});
  if (it == writes_.end()) return cached;
  const std::string version = cached.is_null() ? std::string() : kube::resource_version_of(cached);
  if (version != it->second.before || now - it->second.at >= believed_for) {
    writes_.erase(it);
    return cached;
  }
  return it->second.written;
}

bool OwnWrites::complete(const std::string& namespace_name, const std::string& label, const std::string& value,
                         std::vector<json>& cached, SteadyTime now) {
  bool used = false;
  const json::json_pointer label_at = json::json_pointer("/metadata/labels") / label;
  for (auto it = writes_.begin(); it != writes_.end();) {
    const auto& [name, write] = *it;
    const auto same = [&name = name](const json& object) {
      return kube::text_at(object, "/kind") == name.kind && kube::key_of(object) == name.key;
    };
    const auto found = std::find_if(cached.begin(), cached.end(), same);
    const std::string version = found == cached.end() ? std::string() : kube::resource_version_of(*found);
    const bool ours = name.key.namespace_name == namespace_name && write.written.contains(label_at) &&
                      write.written.at(label_at) == value;
    if (!ours) {
      ++it;
    } else if (version != write.before || now - write.at >= believed_for) {
      it = writes_.erase(it);
    } else {
      if (found == cached.end()) {
        cached.push_back(write.written);
      } else {
        *found = write.written;
      }
      used = true;
      ++it;
    }
  }
  return used;
}

}  // namespace turnkeeper::op
