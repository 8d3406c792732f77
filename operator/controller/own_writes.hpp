// What this process wrote a moment ago and its watches may not have seen yet. Without it, the pass that follows a write
// would plan on the old view: the same write again, or a transition time of its own making. Pure; not thread-safe.
//
// A write is believed for at most 5 s, and only while the cache still holds what it held before the write.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

class OwnWrites {
 public:
  static constexpr std::chrono::seconds believed_for{5};

  // `before`: the resource version in the cache at the time of the write; empty when it had none.
  void remember(const std::string& before, nlohmann::json written, SteadyTime now);
  // `cached`: the cache's view; null when it has none. Returns what to go by: it, or what was written.
  [[nodiscard]] nlohmann::json see(const std::string& kind, const kube::ObjectKey& key, nlohmann::json cached,
                                   SteadyTime now);
  // Adds the objects of this kind and namespace that were written and are in `cached` not yet, and replaces the others.
  // Returns true when anything was: the caller should look again after believed_for.
  bool complete(const std::string& namespace_name, const std::string& label, const std::string& value,
                std::vector<nlohmann::json>& cached, SteadyTime now);

 private:
  struct Name {
    std::string kind;
    kube::ObjectKey key;
    auto operator<=>(const Name&) const = default;
  };
  struct Write {
    std::string before;
    nlohmann::json written;
    SteadyTime at;
  };
  std::map<Name, Write> writes_;
};

}  // namespace turnkeeper::op
