#include "operator/controller/own_writes.hpp"

#include <algorithm>

#include "turnkeeper/kube/json_text.hpp"

namespace turnkeeper::op {

using nlohmann::json;

OwnWrites::Name OwnWrites::name_of(const Placed& placed) {
  return {placed.site, kube::text_at(placed.object, "/kind"), kube::key_of(placed.object)};
}

void OwnWrites::remember(const std::string& before, const Placed& written, SteadyTime now) {
  kube::Receipt receipt{.uid = kube::uid_of(written.object), .version = kube::resource_version_of(written.object)};
  remember(before, name_of(written), kube::json_text(written.object), std::move(receipt), now);
}

void OwnWrites::remember(const std::string& before, Name name, std::string sent, kube::Receipt receipt,
                         SteadyTime now) {
  std::erase_if(writes_, [&](const auto& entry) { return now - entry.second.at >= believed_for; });
  // A write that changed nothing is what the cache has.
  if (receipt.version == before) {
    writes_.erase(name);
    return;
  }
  writes_[std::move(name)] = {before, std::move(sent), std::move(receipt), now};
}

json OwnWrites::object_of(const Write& write) {
  json object = json::parse(write.text);
  write.receipt.enter(object);
  return object;
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
      missing.push_back({it->first.site, object_of(it->second)});
    } else {
      found->second->object = object_of(it->second);
    }
    ++it;
  }
  std::ranges::move(missing, std::back_inserter(cached));
  return !writes_.empty();
}

}  // namespace turnkeeper::op
