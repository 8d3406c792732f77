// Things that exist as long as some TurnCluster uses them, each under the name of the Secret that it is about.
// Thread-safe.
//
//   InUse<SecretFollower> followers([&](const kube::ObjectKey& secret) { return ...make_unique... });
//   followers.use(cluster, {{"telephony", "turn-tls"}});      // these from now on; what nobody uses any more goes
//   if (auto follower = followers.find({"telephony", "turn-tls"})) ...
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {

template <class Thing>
class InUse {
 public:
  using Make = std::function<std::shared_ptr<Thing>(const kube::ObjectKey& name)>;
  explicit InUse(Make make) : make_(std::move(make)) {}
  // As in use(): what ends last may still ask.
  ~InUse() {
    std::unique_lock lock(mutex_);
    const auto ending = std::move(things_);
    things_.clear();
    lock.unlock();
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;

  void use(const kube::ObjectKey& user, const std::set<kube::ObjectKey>& names) {
    // Their ends may take a while, and may call users(): outside of the lock.
    std::vector<std::shared_ptr<Thing>> dropped;
    {
      std::lock_guard lock(mutex_);
      for (auto it = things_.begin(); it != things_.end();) {
        if (!names.contains(it->first)) it->second.users.erase(user);
        if (it->second.users.empty()) {
          dropped.push_back(std::move(it->second.thing));
          it = things_.erase(it);
        } else {
          ++it;
        }
      }
      for (const auto& name : names) {
        auto& entry = things_[name];
        entry.users.insert(user);
        if (!entry.thing) entry.thing = make_(name);
      }
    }
  }

  // Null when nobody uses it.
  [[nodiscard]] std::shared_ptr<Thing> find(const kube::ObjectKey& name) const {
    std::lock_guard lock(mutex_);
    const auto it = things_.find(name);
    return it == things_.end() ? nullptr : it->second.thing;
  }

  [[nodiscard]] std::vector<kube::ObjectKey> users(const kube::ObjectKey& name) const {
    std::lock_guard lock(mutex_);
    const auto it = things_.find(name);
    if (it == things_.end()) return {};
    return {it->second.users.begin(), it->second.users.end()};
  }

 private:
  struct Entry {
    std::set<kube::ObjectKey> users;
    std::shared_ptr<Thing> thing;
  };
  const Make make_;
  mutable std::mutex mutex_;
  std::map<kube::ObjectKey, Entry> things_;
};

}  // namespace turnkeeper::op
