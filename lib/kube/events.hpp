// Kubernetes Events about an object: what `kubectl describe` shows below it.
//
//   EventRecorder events(client, {.component = "turnkeeper-operator"}, real_clock());
//   events.record(cluster_object, EventType::warning, "RegionFailing", "region eu: no relay is healthy");
//
// The same event again within 10 minutes counts up one object instead of making another, and one object gets at most 25
// different ones at once, then one every 5 minutes: an event never floods the API server. Warnings are counted by
// themselves: what is told of an upgrade of many relays must not silence that it halted. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::kube {

enum class EventType { normal, warning };

// Decides what is written; pure but for its memory. Not thread-safe.
class EventAggregator {
 public:
  struct Options {
    std::string component;  // who reports
  };
  explicit EventAggregator(Options options) : options_(std::move(options)) {}
  // The Event to apply, or nothing when this one is held back.
  [[nodiscard]] std::optional<nlohmann::json> add(const nlohmann::json& about, EventType type,
                                                  const std::string& reason, const std::string& message, SteadyTime now,
                                                  SystemTime wall);

 private:
  struct Series {
    std::string name;
    std::string first;  // RFC 3339
    SteadyTime last;
    int count = 0;
  };
  bool allowed(const std::string& bucket, SteadyTime now);
  void drop_old(SteadyTime now);

  Options options_;
  SteadyTime dropped_at_;
  std::map<std::string, Series> series_;            // by object, type, reason and message
  std::map<std::string, SteadyTime> bucket_empty_;  // by uid and type: when its token bucket was, or will be, empty
};

class EventRecorder {
 public:
  // Both outlive it.
  EventRecorder(Client& client, EventAggregator::Options options, const Clock& clock);
  // What still waits is forgotten.
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  // Does not wait: a thread of its own writes one after the other, each for at most 2 s. An Event that cannot be
  // written is logged and forgotten, and so is one that finds a thousand waiting.
  void record(const nlohmann::json& about, EventType type, const std::string& reason, const std::string& message);

 private:
  void run(const std::stop_token& stop);
  void write(const nlohmann::json& event);

  Client& client_;
  const Clock& clock_;
  const std::string component_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  EventAggregator aggregator_;
  std::deque<nlohmann::json> waiting_;
  std::jthread thread_;
};

}  // namespace turnkeeper::kube
