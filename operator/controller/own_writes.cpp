#include "operator/controller/own_writes.hpp"

#include <algorithm>

namespace turnkeeper::op {

using nlohmann::json;

OwnWrites::Name OwnWrites::name_of(const Placed& placed) {
  return {placed.site, kube::text_at(placed.object, "/kind"), kube::key_of(placed.object)};
}

void OwnWrites::remember(const std::string& before, Placed written, SteadyTime now) {
  std::erase_if(writes_, [&](const auto& entry) { return now - entry.second.at >= believed_for; });
  Name name = name_of(written);
  // A write that changed nothing is what the cache has.
  if (kube::resource_version_of(written.object) == before) {
    writes_.erase(name);
    return;
  }
  auto packed = json::to_cbor(written.object);
  packed.shrink_to_fit();
  writes_[std::move(name)] = {before, std::move(packed), now};
}

void OwnWrites::forget_seen(const VersionNow& version_now) {
  std::erase_if(writes_, [&](const auto& entry) {
    const auto& [name, write] = entry;
    return version_now(name.site, name.kind, name.key) != write.before;
  });
}

bool OwnWrites::complete(std::vector<Placed>& cached, SteadyTime now) {
  if (writes_.empty()) return false;
  std::map<Name, Placed*> there;
  for (auto& placed : cached) there.emplace(name_of(placed), &placed);
  std::vector<Placed> missing;
  for (auto it = writes_.begin(); it != writes_.end();) {
    const auto found = there.find(it->first);
    const std::string version = found == there.end() ? "" : kube::resource_version_of(found->second->object);
    if (version != it->second.before || now - it->second.at >= believed_for) {
      it = writes_.erase(it);
      continue;
    }
    if (found == there.end()) {
      missing.push_back({it->first.site, json::from_cbor(it->second.written)});
    } else {
      found->second->object = json::from_cbor(it->second.written);
    }
    ++it;
  }
  std::ranges::move(missing, std::back_inserter(cached));
  return !writes_.empty();
}

}  // namespace turnkeeper::op
