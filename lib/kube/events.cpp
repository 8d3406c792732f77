#include "turnkeeper/kube/events.hpp"

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/kube/json_text.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes series_length{10};
constexpr std::chrono::minutes between_drops{1};
constexpr int burst = 25;
constexpr std::chrono::minutes refill{5};
constexpr std::size_t longest_message = 1024;  // the API server's limit
constexpr std::size_t most_waiting = 1000;

}  // namespace

bool EventAggregator::allowed(const std::string& bucket, SteadyTime now) {
  const SteadyTime full = now - burst * refill;
  const auto [it, fresh] = bucket_empty_.try_emplace(bucket, full);
  const SteadyTime next = std::max(it->second, full) + refill;
  if (next > now) return false;
  it->second = next;
  return true;
}

void EventAggregator::drop_old(SteadyTime now) {
  if (now < dropped_at_ + between_drops) return;
  dropped_at_ = now;
  std::erase_if(series_, [&](const auto& entry) { return now - entry.second.last > series_length; });
  std::erase_if(bucket_empty_, [&](const auto& entry) { return entry.second <= now - burst * refill; });
}

std::optional<json> EventAggregator::add(const json& about, EventType type, const std::string& reason,
                                         const std::string& message, SteadyTime now, SystemTime wall) {
  drop_old(now);
  const std::string uid = uid_of(about);
  const char* type_name = type == EventType::normal ? "Normal" : "Warning";
  const std::string bucket = uid + '\0' + type_name;
  const std::string id = bucket + '\0' + reason + '\0' + message;
  if (!allowed(bucket, now)) return std::nullopt;
  const ObjectKey key = key_of(about);
  Series& series = series_[id];
  if (series.count == 0) {
    series.name = key.name + "." + hex_encode(random_bytes(8));
    series.first = rfc3339(wall);
  }
  series.last = now;
  ++series.count;
  // Events about objects without a namespace live in "default".
  const std::string event_namespace = key.namespace_name.empty() ? "default" : key.namespace_name;
  return json{{"apiVersion", events.api_version()},
              {"kind", events.kind},
              {"metadata", {{"name", series.name}, {"namespace", event_namespace}}},
              {"involvedObject",
               {{"apiVersion", text_at(about, "/apiVersion")},
                {"kind", text_at(about, "/kind")},
                {"namespace", key.namespace_name},
                {"name", key.name},
                {"uid", uid}}},
              {"type", type_name},
              {"reason", reason},
              {"message", message.substr(0, longest_message)},
              {"source", {{"component", options_.component}}},
              {"firstTimestamp", series.first},
              {"lastTimestamp", rfc3339(wall)},
              {"count", series.count}};
}

EventRecorder::EventRecorder(Client& client, EventAggregator::Options options, const Clock& clock)
    : client_(client),
      clock_(clock),
      component_(options.component),
      aggregator_(std::move(options)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventRecorder::~EventRecorder() {
  thread_.request_stop();
}

void EventRecorder::record(const json& about, EventType type, const std::string& reason, const std::string& message) {
  std::lock_guard lock(mutex_);
  auto event = aggregator_.add(about, type, reason, message, clock_.steady(), clock_.system());
  if (!event) return;
  if (waiting_.size() >= most_waiting) {
    log::debug("event not written", {{"reason", reason}, {"error", "too many wait"}});
    return;
  }
  waiting_.push_back(std::move(*event));
  changed_.notify_one();
}

void EventRecorder::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    json event;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      event = std::move(waiting_.front());
      waiting_.pop_front();
    }
    write(event);
  }
}

void EventRecorder::write(const json& event) {
  const auto deadline = Deadline::after(clock_, std::chrono::seconds(2));
  // A new one has a name of its own. To create it is less work for the API server than to apply it.
  const auto written = event.at("count") == 1 ? client_.write_new(events, key_of(event), json_text(event), deadline)
                                              : client_.write(events, key_of(event), json_text(event),
                                                              {.field_manager = component_}, deadline);
  if (written) return;
  log::debug("event not written", {{"reason", text_at(event, "/reason")}, {"error", written.error().message}});
}

}  // namespace turnkeeper::kube
