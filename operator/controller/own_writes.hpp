// What this process wrote a moment ago and its watches may not have seen yet. Without it, the pass that follows a write
// would plan on the old view: the same write again, or a transition time of its own making. Pure; not thread-safe.
//
// A write is believed for at most 5 s, and only while the cache still holds what it held before the write.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/plan/placed.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/packing.hpp"
#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

class OwnWrites {
 public:
  static constexpr std::chrono::seconds believed_for{5};

  struct Name {
    std::string site;
    std::string kind;
    kube::ObjectKey key;
    auto operator<=>(const Name&) const = default;
  };
  // `before`: the resource version in the cache before the write was begun; empty when it had none. Asked afterwards it
  // may be newer than what was written, which would then hide it.
  void remember(const std::string& before, const Placed& written, SteadyTime now);
  // The same of an object of which only the receipt came back: `sent` is its JSON.
  void remember(const std::string& before, Name name, std::string sent, kube::Receipt receipt, SteadyTime now);
  // Adds the objects that were written and are in `cached` not yet, and replaces the older ones. Returns true when
  // there were any: the caller should look again after believed_for.
  bool complete(std::vector<Placed>& cached, SteadyTime now);
  // Forgets those that `version_now(site, kind, key)`, the resource version in the cache, has moved on from.
  using VersionNow =
      std::function<std::string(const std::string& site, const std::string& kind, const kube::ObjectKey& key)>;
  void forget_seen(const VersionNow& version_now);
  // While there are some, the caller should look again after believed_for: what somebody deletes before the watch ever
  // showed it is told by no event.
  [[nodiscard]] bool empty() const { return writes_.empty(); }

 private:
  // As text: as a rule it is never read, and a thousand clusters that are made at once have some in each.
  struct Write {
    std::string before;
    std::string text;
    kube::Receipt receipt;  // to be entered into it
    SteadyTime at;
  };
  [[nodiscard]] static nlohmann::json object_of(const Write& write);
  [[nodiscard]] static Name name_of(const Placed& placed);

  std::map<Name, Write> writes_;
};

}  // namespace turnkeeper::op
