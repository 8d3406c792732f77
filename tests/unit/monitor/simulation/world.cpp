#include "world.hpp"

#include <algorithm>
#include <utility>

namespace turnkeeper::monitor {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

constexpr int standing = 4;
constexpr auto exchange_freshness = 5s;
constexpr auto exchange_tick = 500ms;
constexpr auto shortest_retransmission = 200ms;  // of a TCP segment; what is sent behind it makes for the next ones

Fleet make_fleet(const WorldOptions& options) {
  Cluster cluster{.name = "calls"};
  for (std::size_t i = 0; i < options.relays.size(); ++i) {
    const auto& name = options.relays[i];
    auto region = std::ranges::find(cluster.regions, name, &Region::name);
    if (region == cluster.regions.end()) region = cluster.regions.insert(region, Region{.name = name});
    region->relays.push_back(
        {.name = name + "-" + std::to_string(i), .uris = {turn_uri("192.0.2." + std::to_string(i + 1))}});
  }
  cluster.probing.canary = options.canary.interval;
  cluster.probing.misses = options.canary.misses;
  return Fleet{{cluster}};
}

}  // namespace

struct World::Vantage {
  Vantage(std::string name_, const Clock& clock) : name(std::move(name_)), health(name, clock) {}
  std::string name;
  Line line;
  FleetHealth health;
  std::vector<Canary> canaries;
  Time health_armed = Time::max();
  Time stopped_until{};
  std::optional<Time> gateway_answered;
  std::vector<bool> connected;          // to each vantage
  std::vector<Time> heard;              // from each vantage
  std::vector<bool> known;              // not forgotten
  Time ticked{}, awake{};               // the exchange
  std::map<RelayId, Observation> told;  // what the others know of this one's
  std::vector<IncidentEvent> incidents;
};

World::World(WorldOptions options) : options_(std::move(options)), random_(options_.seed) {
  const auto fleet = make_fleet(options_);
  relays_.resize(options_.relays.size());
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    ids_.push_back({"calls", options_.relays[i], options_.relays[i] + "-" + std::to_string(i)});
  }
  for (std::size_t v = 0; v < options_.vantages; ++v) {
    auto& vantage = *vantages_.emplace_back(std::make_unique<Vantage>("v" + std::to_string(v), clock_));
    vantage.line.reaches.assign(relays_.size(), true);
    vantage.connected.assign(options_.vantages, true);
    vantage.heard.assign(options_.vantages, now());
    vantage.known.assign(options_.vantages, true);
    vantage.health.set_sight([this, &vantage] {
      if (vantage.line.up && vantage.line.gateway_answers) vantage.gateway_answered = now();
      return Surroundings{.cut_off = vantage.line.cut_off, .gateway_answered = vantage.gateway_answered};
    });
    vantage.health.set_fleet(fleet);
    vantage.canaries.resize(relays_.size());
    for (std::size_t r = 0; r < relays_.size(); ++r) {
      auto& canary = vantage.canaries[r];
      canary.record = vantage.health.relay(ids_[r]);
      canary.state = std::make_unique<CanaryState>(
          options_.canary, now(), [this] { return std::uniform_real_distribution<double>(0, 1)(random_); });
    }
  }
  connections_.resize(vantages_.size() * vantages_.size());
  for (std::size_t v = 0; v < vantages_.size(); ++v) {
    for (std::size_t r = 0; r < relays_.size(); ++r) carry_out(v, r);
    push({.at = now() + nanoseconds(random_() % options_.heartbeat.count()),
          .kind = Kind::heartbeat,
          .vantage = static_cast<std::uint32_t>(v)});
    push({.at = now() + exchange_tick, .kind = Kind::exchange_tick, .vantage = static_cast<std::uint32_t>(v)});
  }
}

World::~World() = default;

World::Line& World::vantage(std::size_t number) {
  return vantages_[number]->line;
}

FleetHealth& World::health(std::size_t vantage) {
  return vantages_[vantage]->health;
}

api::Verdict World::verdict(std::size_t vantage, std::size_t relay) {
  return vantages_[vantage]->health.verdict(ids_[relay]);
}

const std::vector<IncidentEvent>& World::incidents(std::size_t vantage) const {
  return vantages_[vantage]->incidents;
}

void World::forget_changes() {
  changes_.clear();
  failovers_.clear();
  for (auto& vantage : vantages_) vantage->incidents.clear();
}

void World::kill(std::size_t relay) {
  relays_[relay].alive = false;
  ++relays_[relay].generation;
}

void World::revive(std::size_t relay) {
  relays_[relay].alive = true;
}

void World::connect(std::size_t a, std::size_t b, bool connected) {
  vantages_[a]->connected[b] = connected;
  vantages_[b]->connected[a] = connected;
}

void World::stop_process(std::size_t vantage, nanoseconds time) {
  vantages_[vantage]->stopped_until = now() + time;
}

void World::push(Event event) {
  event.order = ++last_order_;
  events_.push(event);
}

void World::run_for(nanoseconds time) {
  const auto end = now() + time;
  while (!events_.empty() && events_.top().at <= end) {
    auto event = events_.top();
    events_.pop();
    if (event.at > now()) clock_.advance(event.at - now());
    const auto& vantage = *vantages_[event.vantage];
    if (vantage.stopped_until > now()) {
      // When the process goes on, its timers come first, to make it hard.
      event.at = vantage.stopped_until;
      if (event.kind >= Kind::answer) event.at += 1us;
      events_.push(event);
      continue;
    }
    handle(event);
  }
  clock_.advance(end - now());
}

bool World::lost(std::size_t vantage) {
  const auto loss = vantages_[vantage]->line.loss;
  return loss > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < loss;
}

std::optional<nanoseconds> World::round_trip(std::size_t v, std::size_t r) {
  const auto& line = vantages_[v]->line;
  if (!line.up || !line.reaches[r] || !relays_[r].alive || lost(v) || lost(v)) return std::nullopt;
  const auto jitter = options_.jitter.count() > 0 ? nanoseconds(random_() % options_.jitter.count()) : 0ns;
  return 2 * options_.one_way + jitter;
}

void World::handle(const Event& event) {
  auto& vantage = *vantages_[event.vantage];
  const auto v = event.vantage;
  switch (event.kind) {
    case Kind::canary_timer: {
      auto& canary = vantage.canaries[event.other];
      if (canary.armed != event.at && vantage.stopped_until != event.at) return;
      canary.armed = Time::max();
      if (canary.state->suspects()) {
        for (const auto& [number, attempt] : canary.attempts) {
          if (attempt.heard) canary.state->on_heard(number);
        }
      }
      canary.state->on_time(now());
      return carry_out(v, event.other);
    }
    case Kind::health_timer:
      vantage.health_armed = Time::max();
      vantage.health.on_time();
      return settle(v);
    case Kind::deadline: {
      const auto found = vantage.canaries[event.other].attempts.find(event.attempt);
      if (found == vantage.canaries[event.other].attempts.end() || found->second.step == standing) return;
      const auto cause = found->second.step == 3 ? api::Cause::data_path
                         : found->second.heard   ? api::Cause::allocate_timeout
                                                 : api::Cause::connect_timeout;
      return fail(v, event.other, event.attempt, {cause, "nothing came back in time"});
    }
    case Kind::retransmit: {
      const auto found = vantage.canaries[event.other].attempts.find(event.attempt);
      if (found == vantage.canaries[event.other].attempts.end() || found->second.step != event.step) return;
      return request(v, event.other, event.attempt, static_cast<int>(event.number));
    }
    case Kind::answer:
      return on_answer(event);
    case Kind::echo: {
      auto& canary = vantage.canaries[event.other];
      if (!vantage.line.up || !vantage.line.reaches[event.other] || !canary.attempts.contains(event.attempt)) return;
      vantage.health.echoed(*canary.record, event.round_trip);
      canary.state->on_echo(event.attempt, event.number, event.round_trip, now());
      return carry_out(v, event.other);
    }
    case Kind::segment:
      return on_segment(event);
    case Kind::news:
      return on_news(event);
    case Kind::heartbeat: {
      for (std::size_t to = 0; to < vantages_.size(); ++to) {
        if (to != v) send_news(v, to, {});
      }
      auto again = event;
      again.at = now() + options_.heartbeat;
      return push(again);
    }
    case Kind::exchange_tick:
      return on_exchange_tick(event);
  }
}

World::Connection& World::connection(std::size_t from, std::size_t to) {
  return connections_[from * vantages_.size() + to];
}

void World::send_news(std::size_t from, std::size_t to, const std::vector<SeenRelay>& seen) {
  auto& connection = this->connection(from, to);
  connection.waiting.push_back({now(), seen});
  if (std::exchange(connection.is_sending, true)) return;
  push({.at = now(),
        .kind = Kind::segment,
        .vantage = static_cast<std::uint32_t>(to),
        .other = static_cast<std::uint32_t>(from)});
}

// The oldest that waits is sent, again and again until it gets through; those behind it wait for it.
void World::on_segment(const Event& event) {
  const auto to = event.vantage;
  const auto from = event.other;
  const bool open = vantages_[to]->connected[from] && vantages_[to]->line.up && vantages_[from]->line.up;
  auto next = event;
  if (open && !lost(from) && !lost(to)) {
    next.kind = Kind::news;
    next.at = now() + options_.exchange;
  } else {
    next.at = now() + shortest_retransmission * (1 << std::min(event.attempt, 1));
    ++next.attempt;
  }
  push(next);
}

// The first one behind a break is a new connection, which brings everything.
void World::on_news(const Event& event) {
  auto& vantage = *vantages_[event.vantage];
  const auto& from = *vantages_[event.other];
  auto& connection = this->connection(event.other, event.vantage);
  auto batch = std::move(connection.waiting.front());
  connection.waiting.pop_front();
  if (!vantage.known[event.other]) {
    connection.waiting.clear();
    batch = {now() - options_.exchange, from.health.own_observations()};
    vantage.health.remember(from.health.memory());
    vantage.known[event.other] = true;
  }
  vantage.heard[event.other] = batch.made;
  for (auto& one : batch.seen) vantage.health.observed(one.id, std::move(one.observation));
  vantage.health.heard_from(from.name, batch.made);
  settle(event.vantage);
  connection.is_sending = !connection.waiting.empty();
  if (!connection.is_sending) return;
  auto next = event;
  next.kind = Kind::segment;
  next.at = now();
  next.attempt = 0;
  push(next);
}

void World::on_exchange_tick(const Event& event) {
  auto& vantage = *vantages_[event.vantage];
  if (now() - vantage.ticked > 2 * exchange_tick) vantage.awake = now();
  vantage.ticked = now();
  for (std::size_t from = 0; from < vantages_.size(); ++from) {
    const auto silent_since = std::max(vantage.heard[from], vantage.awake);
    if (!vantage.known[from] || from == event.vantage || now() - silent_since <= exchange_freshness) continue;
    vantage.known[from] = false;
    vantage.health.forget_vantage(vantages_[from]->name);
  }
  settle(event.vantage);
  auto again = event;
  again.at = now() + exchange_tick;
  push(again);
}

void World::carry_out(std::size_t v, std::size_t r) {
  auto& vantage = *vantages_[v];
  auto& canary = vantage.canaries[r];
  const auto vantage_number = static_cast<std::uint32_t>(v);
  const auto relay_number = static_cast<std::uint32_t>(r);
  bool told = false;
  while (const auto action = canary.state->poll()) {
    if (const auto* establish = std::get_if<CanaryState::Establish>(&*action)) {
      auto& attempt = canary.attempts[establish->attempt];
      attempt.deadline = now() + establish->budget;
      attempt.rto = establish->rto;
      if (!establish->resolve) ++confirmations_;
      push({.at = attempt.deadline,
            .kind = Kind::deadline,
            .vantage = vantage_number,
            .other = relay_number,
            .attempt = establish->attempt});
      request(v, r, establish->attempt, 0);
    } else if (const auto* echo = std::get_if<CanaryState::SendEcho>(&*action)) {
      ++echoes_;
      auto& attempt = canary.attempts[echo->attempt];
      const auto sequence = ++attempt.echoes;
      const auto time = round_trip(v, r);
      if (!time || attempt.generation != relays_[r].generation) continue;
      push({.at = now() + *time,
            .kind = Kind::echo,
            .vantage = vantage_number,
            .other = relay_number,
            .attempt = echo->attempt,
            .number = sequence,
            .round_trip = *time});
    } else if (const auto* challenge = std::get_if<CanaryState::Challenge>(&*action)) {
      const auto& attempt = canary.attempts[challenge->attempt];
      const auto time = round_trip(v, r);
      if (!time || attempt.generation == relays_[r].generation) continue;
      push({.at = now() + *time,
            .kind = Kind::answer,
            .vantage = vantage_number,
            .other = relay_number,
            .attempt = challenge->attempt,
            .step = -1});
    } else if (const auto* release = std::get_if<CanaryState::Release>(&*action)) {
      canary.attempts.erase(release->attempt);
    } else if (const auto* report = std::get_if<CanaryState::Report>(&*action)) {
      vantage.health.observed(*canary.record, {.vantage = vantage.name,
                                               .usable = report->usable,
                                               .cause = report->diagnosis.cause,
                                               .detail = report->diagnosis.detail,
                                               .at = now()});
      told = true;
    } else {
      vantage.health.echo_lost(*canary.record);
    }
  }
  const auto next = canary.state->next_timeout();
  if (next != Time::max() && next != canary.armed) {
    canary.armed = std::max(next, now());
    push({.at = canary.armed, .kind = Kind::canary_timer, .vantage = vantage_number, .other = relay_number});
  }
  if (told) settle(v);
}

void World::settle(std::size_t v) {
  auto& vantage = *vantages_[v];
  auto changes = vantage.health.take_changes();
  for (const auto& change : changes.verdicts) {
    const auto relay = static_cast<std::size_t>(std::ranges::find(ids_, change.id) - ids_.begin());
    changes_.push_back({now(), v, relay, change.to.verdict, change.to.cause});
  }
  failovers_.insert(failovers_.end(), changes.failovers.begin(), changes.failovers.end());
  vantage.incidents.insert(vantage.incidents.end(), changes.incidents.begin(), changes.incidents.end());
  std::vector<SeenRelay> news;
  for (auto& own : changes.own) {
    auto& told = vantage.told[own.id];
    if (told.vantage == own.observation.vantage && same_opinion(told, own.observation)) continue;
    told = own.observation;
    news.push_back(std::move(own));
  }
  for (std::size_t to = 0; to < vantages_.size() && !news.empty(); ++to) {
    if (to != v) send_news(v, to, news);
  }
  for (const auto& id : changes.recheck) {
    const auto relay = static_cast<std::size_t>(std::ranges::find(ids_, id) - ids_.begin());
    vantage.canaries[relay].state->recheck(now());
    carry_out(v, relay);
  }
  const auto next = vantage.health.next_time();
  if (!next || *next >= vantage.health_armed) return;
  vantage.health_armed = std::max(*next, now());
  push({.at = vantage.health_armed, .kind = Kind::health_timer, .vantage = static_cast<std::uint32_t>(v)});
}

void World::request(std::size_t v, std::size_t r, int number, int tried) {
  const auto& attempt = vantages_[v]->canaries[r].attempts.at(number);
  Event event{.vantage = static_cast<std::uint32_t>(v),
              .other = static_cast<std::uint32_t>(r),
              .attempt = number,
              .step = attempt.step};
  if (const auto time = round_trip(v, r)) {
    event.kind = Kind::answer;
    event.at = now() + *time;
    event.round_trip = *time;
    push(event);
  }
  // RFC 8489 6.2.1; the first echo is repeated evenly.
  const auto pause = attempt.step == 3 ? attempt.rto : attempt.rto * (1 << std::min(tried, 6));
  event.kind = Kind::retransmit;
  event.at = now() + pause;
  event.number = static_cast<std::uint64_t>(tried) + 1;
  if (event.at < attempt.deadline) push(event);
}

void World::on_answer(const Event& event) {
  auto& vantage = *vantages_[event.vantage];
  auto& canary = vantage.canaries[event.other];
  const auto found = canary.attempts.find(event.attempt);
  if (found == canary.attempts.end() || !vantage.line.up || !vantage.line.reaches[event.other]) return;
  if (event.step < 0) return fail(event.vantage, event.other, event.attempt, {api::Cause::restarted, "437"});
  auto& attempt = found->second;
  if (attempt.step != event.step) return;
  attempt.heard = true;
  if (attempt.step == 1) attempt.generation = relays_[event.other].generation;
  if (attempt.step > 1 && attempt.generation != relays_[event.other].generation) {
    return fail(event.vantage, event.other, event.attempt, {api::Cause::restarted, "437"});
  }
  if (++attempt.step < standing) return request(event.vantage, event.other, event.attempt, 0);
  canary.state->on_standing(event.attempt, event.round_trip, now());
  carry_out(event.vantage, event.other);
}

void World::fail(std::size_t v, std::size_t r, int attempt, const Diagnosis& diagnosis) {
  vantages_[v]->canaries[r].state->on_failed(attempt, diagnosis, now());
  carry_out(v, r);
}

}  // namespace turnkeeper::monitor
