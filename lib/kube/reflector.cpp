#include "turnkeeper/kube/reflector.hpp"

#include <condition_variable>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/kube/line_splitter.hpp"

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds list_budget{60};
// How soon a kind that is not installed is looked for again.
constexpr std::chrono::minutes absence{1};

}  // namespace

Reflector::Reflector(Client& client, Options options, const Clock& clock, std::function<double()> random)
    : client_(client),
      options_(std::move(options)),
      clock_(clock),
      random_(std::move(random)),
      store_(options_.indexed_label) {}

void Reflector::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    const auto delay = step(stop);
    std::unique_lock lock(mutex);
    if (delay.count() > 0) wake.wait_for(lock, stop, delay, [] { return false; });
  }
}

std::chrono::milliseconds Reflector::step(std::stop_token stop) {
  if (cycle_.next().action == WatchCycle::Action::list) {
    list();
  } else {
    watch(std::move(stop));
  }
  std::lock_guard lock(mutex_);
  return absent_ ? absence : cycle_.next().delay;
}

std::optional<Error> Reflector::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

void Reflector::list() {
  auto listed = client_.list(options_.type, options_.namespace_name,
                             {.label_selector = options_.label_selector,
                              .field_selector = options_.field_selector,
                              .resource_version = cycle_.next().resource_version},
                             Deadline::after(clock_, list_budget));
  if (!listed) {
    Error error = listed.error();
    if (error.kind == ErrorKind::not_found) {
      error.message = "the API server does not know " + options_.type.plural +
                      (options_.type.group.empty() ? "" : "." + options_.type.group);
      error.advice = options_.if_unknown_kind;
    }
    cycle_.list_failed(error, random_());
    if (note(std::move(error)) == Noted::absent) tell(store_.replace({}));
    return;
  }
  cycle_.listed(listed->resource_version);
  const auto changes = store_.replace(std::move(listed->items));
  note(std::nullopt);
  tell(changes);
}

void Reflector::watch(std::stop_token stop) {
  const SteadyTime begin = clock_.steady();
  // Random, so that the watches of many processes do not end together.
  const auto timeout = std::chrono::seconds(300 + static_cast<int>(300 * random_()));
  const auto failed = [&](const Error& error) {
    note(error);
    cycle_.watch_failed(error, clock_.steady() - begin, random_());
  };
  auto stream = client_.watch(options_.type, options_.namespace_name,
                              {.label_selector = options_.label_selector,
                               .field_selector = options_.field_selector,
                               .resource_version = cycle_.next().resource_version},
                              timeout, stop);
  if (!stream) return failed(stream.error());
  note(std::nullopt);
  LineSplitter lines;
  while (true) {
    auto bytes = (*stream)->read();
    if (!bytes) return failed(bytes.error().within("watch " + options_.type.plural));
    if (bytes->empty()) return cycle_.watch_ended(clock_.steady() - begin, random_());
    if (!lines.add(*bytes)) {
      return failed(Error(ErrorKind::unexpected, "watch " + options_.type.plural + ": an event is too large"));
    }
    while (auto line = lines.next()) {
      if (auto ok = handle(*line); !ok) return failed(ok.error());
    }
  }
}

Result<> Reflector::handle(const std::string& line) {
  const std::string what = "watch " + options_.type.plural;
  auto event = pack_event(line, options_.indexed_label);
  if (!event) return fail(Error(ErrorKind::unexpected, what + ": an event that is not JSON"));
  if (event->type == "ERROR") {
    const json status = unpack(event->object.text);
    const auto code = status.is_object() ? status.find("code") : status.end();
    const int number = code != status.end() && code->is_number_integer() ? code->get<int>() : 0;
    return fail(error_from_status(number, status.dump(), what));
  }
  const std::string version = event->object.version;
  if (event->type == "ADDED" || event->type == "MODIFIED") {
    tell(store_.put(std::move(event->object)));
  } else if (event->type == "DELETED") {
    tell(store_.erase(event->object.key));
  } else if (event->type != "BOOKMARK") {
    return fail(Error(ErrorKind::unexpected, what + ": unknown event type '" + event->type.substr(0, 40) + "'"));
  }
  cycle_.progressed(version);
  return {};
}

void Reflector::tell(const std::vector<Store::Change>& changes) {
  if (!options_.on_change) return;
  for (const auto& change : changes) options_.on_change(change);
}

Reflector::Noted Reflector::note(std::optional<Error> trouble) {
  if (trouble && trouble->kind == ErrorKind::cancelled) return Noted::as_told;
  std::lock_guard lock(mutex_);
  // A 410 is the ordinary end of an old watch, no trouble.
  if (trouble && trouble->kind == ErrorKind::gone) return Noted::as_told;
  const bool absent =
      options_.optional && trouble && (trouble->kind == ErrorKind::not_found || trouble->kind == ErrorKind::forbidden);
  if (absent && !absent_) log::info("not watched", {{"resource", options_.type.plural}, {"why", trouble->message}});
  absent_ = absent;
  if (absent) trouble.reset();
  if (trouble && (!trouble_ || trouble_->message != trouble->message)) {
    log::warn(trouble->message, {{"resource", options_.type.plural}, {"advice", trouble->advice}});
  } else if (!trouble && trouble_) {
    log::info("watching again", {{"resource", options_.type.plural}});
  }
  trouble_ = std::move(trouble);
  return absent ? Noted::absent : Noted::as_told;
}

Result<> wait_until_synced(const std::vector<const Reflector*>& reflectors, const Clock& clock, std::stop_token stop,
                           Deadline deadline) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    std::optional<Error> trouble;
    bool all = true;
    for (const auto* reflector : reflectors) {
      if (reflector->store().synced()) continue;
      all = false;
      auto reason = reflector->trouble();
      if (reason && !reason->transient()) return fail(std::move(*reason));
      if (reason) trouble = std::move(reason);
    }
    if (all) return {};
    if (deadline.expired(clock)) {
      return fail(trouble.value_or(Error(ErrorKind::unreachable, "the API server does not answer", "check its load")));
    }
    wake.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
  }
  return fail(Error(ErrorKind::cancelled, "stopped while reading the cluster's state"));
}

}  // namespace turnkeeper::kube
