// Keeps a Store equal to what the API server has of one kind: list, then watch, for ever.
//
//   Reflector pods(client, {.type = kube::pods, .label_selector = "app=relay", .on_change = [&](auto& change) {...}},
//                  real_clock());
//   std::jthread thread([&](std::stop_token stop) { pods.run(stop); });
//   pods.store().get({"default", "eu-0"});
//
// run() and step() belong to one thread; store() and trouble() are for any. on_change is called on that thread, after
// the store has changed.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/kube/client.hpp"
#include "turnkeeper/kube/store.hpp"
#include "turnkeeper/kube/watch_cycle.hpp"

namespace turnkeeper::kube {

class Reflector {
 public:
  struct Options {
    ResourceType type;
    std::string namespace_name;  // empty: all
    std::string label_selector;
    std::string field_selector;
    std::string indexed_label;  // by which the store finds objects; empty: none
    // A kind that is not there, or that we may not see, is no trouble: the store is empty then, and the kind is asked
    // for again each minute.
    bool optional = false;
    std::function<void(const Store::Change&)> on_change;
    // What a person should do when the API server does not know this kind.
    std::string if_unknown_kind = "install the CustomResourceDefinition of this kind";
  };

  // `client` and `clock` must outlive it. `random` gives numbers in [0, 1).
  Reflector(Client& client, Options options, const Clock& clock, std::function<double()> random = random_unit);

  // Until stop is requested; then it returns at once.
  void run(std::stop_token stop);
  // One list, or one watch to its end. Returns how long to wait before the next.
  std::chrono::milliseconds step(std::stop_token stop);

  [[nodiscard]] const ResourceType& type() const { return options_.type; }
  [[nodiscard]] const Store& store() const { return store_; }
  // Why the store may be out of date at this moment.
  [[nodiscard]] std::optional<Error> trouble() const;

 private:
  void list();
  void watch(std::stop_token stop);
  // An error ends the watch.
  Result<> handle(const std::string& line);
  void tell(const std::vector<Store::Change>& changes);
  enum class Noted { as_told, absent };
  Noted note(std::optional<Error> trouble);

  Client& client_;
  const Options options_;
  const Clock& clock_;
  const std::function<double()> random_;
  WatchCycle cycle_;
  Store store_;
  mutable std::mutex mutex_;
  std::optional<Error> trouble_;
  bool absent_ = false;
};

// Waits until the stores hold their complete lists. An error when a kind cannot be read at all (not installed,
// forbidden), or when the deadline comes first.
[[nodiscard]] Result<> wait_until_synced(const std::vector<const Reflector*>& reflectors, const Clock& clock,
                                         std::stop_token stop, Deadline deadline);

}  // namespace turnkeeper::kube
