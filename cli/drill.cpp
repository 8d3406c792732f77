#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.hpp"
#include "cli/control.hpp"
#include "cli/monitor_client.hpp"
#include "cli/run_probe.hpp"
#include "cli/text.hpp"
#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::cli {
namespace {

using namespace std::chrono_literals;

struct DrillOptions {
  std::string url;  // empty: what the running `turnctl up` says
  std::string state_directory;
  bool json = false;
};

Deadline in(std::chrono::nanoseconds budget) {
  return Deadline::after(real_clock(), budget);
}

// Asks again and again until it is so.
Result<void> wait_until(const std::string& what, std::chrono::seconds budget, const std::function<Result<bool>()>& so) {
  const Deadline deadline = in(budget);
  while (true) {
    const auto now = so();
    if (!now) return fail(now.error());
    if (*now) return {};
    if (deadline.expired(real_clock())) {
      return fail("waited " + std::to_string(budget.count()) + " s in vain: " + what, "look at the status page");
    }
    std::this_thread::sleep_for(20ms);
  }
}

class Drill {
 public:
  Drill(Control control, ControlledCluster cluster, MonitorClient monitor)
      : control_(std::move(control)), cluster_(std::move(cluster)), monitor_(std::move(monitor)) {
    query_ = {.cluster = cluster_.name,
              .region = cluster_.relays.front().region,
              .user = "drill",
              .session = "drill-" + hex_encode(random_bytes(8))};
  }
  // Whatever went wrong, the relay is not left dead.
  ~Drill() {
    if (stopped_.empty()) return;
    if (const auto started = control_.start(stopped_); !started) std::cerr << started.error().text() << '\n';
  }
  Drill(const Drill&) = delete;
  Drill& operator=(const Drill&) = delete;

  Result<void> run() {
    if (auto done = wait_until_all_healthy(); !done) return done;
    if (auto done = call_through_first(); !done) return done;
    if (auto done = kill_first(); !done) return done;
    if (auto done = follow_the_push(); !done) return done;
    if (auto done = bring_it_back(); !done) return done;
    return {};
  }

  struct Step {
    std::string name;  // in the JSON
    std::string text;
    std::chrono::nanoseconds took;
  };
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const std::string& victim() const { return victim_; }
  [[nodiscard]] const std::string& backup() const { return backup_; }

 private:
  Result<void> wait_until_all_healthy() {
    const SteadyTime began = real_clock().steady();
    auto healthy = wait_until("every relay is Healthy", 60s, [this]() -> Result<bool> {
      const auto verdicts = monitor_.verdicts(in(5s));
      if (!verdicts) return fail(verdicts.error());
      return !verdicts->empty() && std::ranges::all_of(*verdicts, [](const auto& v) { return v.second == "Healthy"; });
    });
    if (!healthy) return healthy;
    note("allHealthyMs", "all " + std::to_string(cluster_.relays.size()) + " relays are Healthy", began);
    return {};
  }

  // A client's beginning: its list, its stream of changes, and a real allocation on the first relay.
  Result<void> call_through_first() {
    const auto body = monitor_.ice(query_, in(5s));
    if (!body) return fail(body.error());
    auto ice = parse_ice(*body);
    if (!ice) return fail(ice.error());
    if (ice->turn.empty()) return fail("the ICE config holds no TURN server", "look at the status page");
    const auto name = relay_at(ice->turn.front().url);
    if (!name) return fail(name.error());
    victim_ = *name;
    first_url_ = ice->turn.front().url;

    auto events = monitor_.events(query_, in(5s));
    if (!events) return fail(events.error());
    events_.emplace(std::move(*events));
    const auto current = next_config(in(5s));
    if (!current) return fail(current.error());
    if (current->turn.empty() || current->turn.front().url != first_url_) {
      return fail("/v1/events begins with another list than /v1/ice gave");
    }
    return allocate("firstAllocationMs", ice->turn.front(), victim_);
  }

  Result<void> kill_first() {
    killed_at_ = real_clock().steady();
    stopped_ = victim_;
    if (auto stopped = control_.stop(victim_); !stopped) {
      stopped_.clear();
      return stopped;
    }
    note("killMs", victim_ + " is killed", killed_at_);
    return {};
  }

  Result<void> follow_the_push() {
    const Deadline deadline = in(15s);
    std::optional<ReceivedIce> pushed;
    while (!pushed || lists_victim(*pushed)) {
      auto config = next_config(deadline);
      if (!config) return fail(config.error());
      pushed = std::move(*config);
    }
    note("killToPushMs", "the client is told over /v1/events to leave " + victim_, killed_at_);
    if (pushed->turn.empty()) return fail("the pushed list holds no TURN server", "a drill needs two relays that work");

    const auto body = monitor_.ice(query_, in(5s));
    if (!body) return fail(body.error());
    const auto asked = parse_ice(*body);
    if (!asked) return fail(asked.error());
    if (asked->turn.empty() || asked->turn.front().url != pushed->turn.front().url) {
      return fail("/v1/ice says something else than what was pushed");
    }
    const auto name = relay_at(pushed->turn.front().url);
    if (!name) return fail(name.error());
    backup_ = *name;
    if (auto allocated = allocate("backupAllocationMs", pushed->turn.front(), backup_); !allocated) return allocated;
    note("killToBackupMs", "from the kill until a working allocation on " + backup_, killed_at_);
    return {};
  }

  Result<void> bring_it_back() {
    const SteadyTime began = real_clock().steady();
    if (auto started = control_.start(std::exchange(stopped_, {})); !started) return started;
    auto back = wait_until(victim_ + " is back in the list", 90s, [this]() -> Result<bool> {
      const auto body = monitor_.ice(query_, in(5s));
      if (!body) return fail(body.error());
      const auto ice = parse_ice(*body);
      if (!ice) return fail(ice.error());
      return !ice->turn.empty() && ice->turn.front().url == first_url_;
    });
    if (!back) return back;
    note("startToBackMs", victim_ + " is started, proven and first in the list again", began);
    return {};
  }

  Result<void> allocate(const std::string& step, const ReceivedIce::Server& server, const std::string& relay) {
    const SteadyTime began = real_clock().steady();
    const auto result =
        run_probe(server.url, turn::Credential{.username = server.username, .password = server.credential});
    if (!result) return fail(result.error());
    if (!result->ok) {
      return fail("a client's allocation on " + relay + " fails: " + std::string(api::cause_name(result->cause)) +
                      ": " + printable(result->detail),
                  std::string(api::cause_advice(result->cause)));
    }
    note(step, "a client allocates on " + relay + " and hears its echo", began);
    return {};
  }

  Result<ReceivedIce> next_config(Deadline deadline) {
    const auto event = events_->next(deadline);
    if (!event) return fail(event.error());
    if (!*event)
      return fail("no event came over /v1/events in time", "look at the status page: did the verdict change?");
    return parse_ice((*event)->data);
  }

  bool lists_victim(const ReceivedIce& ice) const {
    return std::ranges::any_of(ice.turn, [this](const auto& server) {
      const auto name = relay_at(server.url);
      return name && *name == victim_;
    });
  }

  Result<std::string> relay_at(const std::string& url) const {
    const auto uri = turn::Uri::parse(url);
    if (!uri) return fail(uri.error());
    const bool v6 = uri->host.find(':') != std::string::npos;
    const std::string address =
        (v6 ? "[" + uri->host + "]" : uri->host) + ":" + std::to_string(uri->port.value_or(uri->default_port()));
    const auto relay = std::ranges::find(cluster_.relays, address, &ControlledRelay::address);
    if (relay != cluster_.relays.end()) return relay->name;
    return fail("the ICE config names " + url + ", which is no relay of this `turnctl up`",
                "give --url and --state-dir of the same one");
  }

  void note(std::string name, std::string text, SteadyTime since) {
    steps_.push_back({std::move(name), std::move(text), real_clock().steady() - since});
  }

  Control control_;
  ControlledCluster cluster_;
  MonitorClient monitor_;
  IceQuery query_;
  std::optional<http::EventSource> events_;
  std::string first_url_;
  std::string victim_;
  std::string backup_;
  std::string stopped_;  // what must be started again
  SteadyTime killed_at_;
  std::vector<Step> steps_;
};

void print_text(const Drill& drill) {
  for (const auto& step : drill.steps()) {
    const std::string took = milliseconds(step.took);
    std::cout << std::string(took.size() < 10 ? 10 - took.size() : 0, ' ') << took << "  " << step.text << '\n';
  }
}

void print_json(const Drill& drill, const Result<void>& outcome) {
  nlohmann::ordered_json json{{"ok", outcome.has_value()}, {"relay", drill.victim()}, {"backup", drill.backup()}};
  for (const auto& step : drill.steps()) {
    json[step.name] = std::chrono::duration<double, std::milli>(step.took).count();
  }
  if (!outcome) json["error"] = outcome.error().text();
  std::cout << json.dump() << '\n';
}

Result<void> drill(const DrillOptions& options) {
  auto control = Control::connect(options.state_directory);
  if (!control) return fail(control.error());
  auto cluster = control->list();
  if (!cluster) return fail(cluster.error());
  if (cluster->relays.size() < 2) {
    return fail("a drill needs two relays, and " + cluster->name + " has " + std::to_string(cluster->relays.size()),
                "raise spec.relay.replicas or add a region");
  }
  MonitorClient monitor(options.url.empty() ? cluster->url : options.url, std::nullopt);
  Drill drill(std::move(*control), std::move(*cluster), std::move(monitor));
  auto outcome = drill.run();
  options.json ? print_json(drill, outcome) : print_text(drill);
  if (!outcome) return fail(outcome.error().within("the drill failed"));
  if (!options.json) std::cout << "the drill passed: a dead relay's clients were moved\n";
  return {};
}

}  // namespace

void add_drill(CLI::App& app, Run& run) {
  const auto options = std::make_shared<DrillOptions>();
  auto* command = app.add_subcommand(
      "drill",
      "Prove the failover of a running `turnctl up`: allocate like a client, kill its relay, time how soon it is told "
      "and allocates elsewhere, and bring the relay back.");
  command->add_option("--url", options->url, "The monitor; left out: that of the running `turnctl up`");
  command->add_option("--state-dir", options->state_directory,
                      "State directory of that `turnctl up`; left out: the one that runs");
  command->add_flag("--json", options->json, "Print one JSON object with the times in milliseconds");
  command->callback([&run, options] { run = [options] { return drill(*options); }; });
}

}  // namespace turnkeeper::cli
