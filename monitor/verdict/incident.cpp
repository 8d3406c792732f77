#include "monitor/verdict/incident.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using api::Verdict;

// What a broken machine or network looks like differs with the moment and the place: such failures are of one kind.
bool is_unreached(Cause cause) {
  using enum Cause;
  return cause == dns || cause == connect_refused || cause == unreachable || cause == connect_timeout ||
         cause == allocate_timeout || cause == data_path || cause == restarted;
}

bool same_reason(Cause a, Cause b) {
  return a == b || (is_unreached(a) && is_unreached(b));
}

bool is_bad(Verdict verdict) {
  return verdict == Verdict::unhealthy || verdict == Verdict::degraded;
}

}  // namespace

std::string_view scope_name(Incident::Scope scope) {
  switch (scope) {
    case Incident::Scope::relay:
      return "relay";
    case Incident::Scope::region:
      return "region";
    case Incident::Scope::cluster:
      return "cluster";
  }
  return "";
}

void Incidents::set_relays(const std::vector<RelayId>& relays, SystemTime wall) {
  regions_.clear();
  std::set<RelayId> present;
  for (const auto& id : relays) {
    present.insert(id);
    ++regions_[id.cluster][id.region];
  }
  std::erase_if(fallen_, [&](const auto& entry) { return !present.contains(entry.first); });
  std::erase_if(due_, [&](const auto& entry) { return !present.contains(entry.second); });
  for (auto& open : open_) {
    std::erase_if(open.down, [&](const RelayId& id) { return !present.contains(id); });
  }
  end_those_over(wall);
}

void Incidents::judged(const Change& change, SteadyTime now, SystemTime wall) {
  const auto of = std::ranges::find_if(open_, [&](const Open& open) { return open.down.contains(change.id); });
  if (of != open_.end()) {
    if (of->incident.verdict == change.verdict) return;  // another cause of the same incident
    of->down.erase(change.id);
    end_those_over(wall);
  }
  if (!is_bad(change.verdict)) return forget(change.id);
  const auto known = fallen_.find(change.id);
  if (known != fallen_.end() && known->second.change.verdict == change.verdict) {
    known->second.change = change;
    return;
  }
  forget(change.id);
  const auto wait = change.verdict == Verdict::unhealthy ? policy_.gather : policy_.degraded;
  const auto due = now + std::chrono::duration_cast<SteadyTime::duration>(wait);
  fallen_[change.id] = {change, now, wall, due};
  due_.emplace(due, change.id);
}

void Incidents::forget(const RelayId& id) {
  const auto known = fallen_.find(id);
  if (known == fallen_.end()) return;
  due_.erase({known->second.due, id});
  fallen_.erase(known);
}

std::optional<SteadyTime> Incidents::next_time() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void Incidents::on_time(SteadyTime now, SystemTime wall) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto& first = fallen_.at(due_.begin()->second);
    gather(first.change, first.at);
  }
  end_those_over(wall);
}

std::vector<IncidentEvent> Incidents::take_events() {
  return std::exchange(events_, {});
}

// Those that fell for the reason that `first` fell for, in its cluster and within the time to join.
void Incidents::gather(Change first, SteadyTime at) {
  std::map<std::string, std::vector<Fallen>> by_region;
  for (const auto& [id, fallen] : fallen_) {
    const bool together = id.cluster == first.id.cluster && fallen.change.verdict == first.verdict &&
                          same_reason(fallen.change.cause, first.cause) && fallen.at - at <= policy_.join;
    if (together) by_region[id.region].push_back(fallen);
  }
  for (const auto& [region, members] : by_region) {
    for (const auto& member : members) forget(member.change.id);
  }

  // A later one joins what is still young.
  std::erase_if(by_region, [&](const auto& entry) {
    const auto young = std::ranges::find_if(open_, [&](const Open& open) {
      const auto& incident = open.incident;
      return incident.cluster == first.id.cluster && incident.verdict == first.verdict &&
             same_reason(incident.cause, first.cause) && at - open.began <= policy_.join &&
             (incident.scope == Incident::Scope::cluster || incident.region == entry.first);
    });
    if (young == open_.end()) return false;
    add(*young, entry.second);
    events_.push_back({IncidentEvent::What::grew, young->incident});
    return true;
  });
  if (by_region.empty()) return;

  const auto& regions = regions_[first.id.cluster];
  if (regions.size() > 1 && by_region.size() == regions.size()) {
    std::vector<Fallen> all;
    for (const auto& [region, members] : by_region) all.insert(all.end(), members.begin(), members.end());
    begin(all, true);
  } else {
    for (const auto& [region, members] : by_region) begin(members, false);
  }
}

void Incidents::begin(const std::vector<Fallen>& members, bool whole_cluster) {
  const auto& oldest = *std::ranges::min_element(members, {}, &Fallen::at);
  Open open;
  open.began = oldest.at;
  open.incident.cluster = oldest.change.id.cluster;
  if (!whole_cluster) open.incident.region = oldest.change.id.region;
  open.incident.verdict = oldest.change.verdict;
  open.incident.started = oldest.wall;
  open.incident.key = open.incident.cluster + "/" + open.incident.region + "#" + std::to_string(++last_number_);
  open.incident.scope = whole_cluster ? Incident::Scope::cluster : Incident::Scope::relay;
  add(open, members);
  events_.push_back({IncidentEvent::What::started, open.incident});
  open_.push_back(std::move(open));
}

void Incidents::add(Open& open, const std::vector<Fallen>& members) {
  auto& incident = open.incident;
  for (const auto& member : members) {
    const auto& id = member.change.id;
    open.down.insert(id);
    const auto place = std::ranges::lower_bound(incident.relays, id);
    if (place == incident.relays.end() || *place != id) incident.relays.insert(place, id);
    ++open.causes[member.change.cause];
  }
  if (incident.scope == Incident::Scope::relay && incident.relays.size() > 1) incident.scope = Incident::Scope::region;
  const auto most = std::ranges::max_element(open.causes, {}, [](const auto& entry) { return entry.second; });
  const auto telling = std::ranges::find_if(members, [&](const auto& m) { return m.change.cause == most->first; });
  if (telling != members.end()) incident.detail = telling->change.detail;
  incident.cause = most->first;
  incident.relays_in_scope = 0;
  for (const auto& [region, relays] : regions_[incident.cluster]) {
    if (incident.scope == Incident::Scope::cluster || region == incident.region) incident.relays_in_scope += relays;
  }
}

void Incidents::end_those_over(SystemTime wall) {
  std::erase_if(open_, [&](Open& open) {
    if (!open.down.empty()) return false;
    open.incident.ended = wall;
    events_.push_back({IncidentEvent::What::ended, open.incident});
    return true;
  });
}

std::vector<Incident> Incidents::open() const {
  std::vector<Incident> all;
  for (const auto& open : open_) all.push_back(open.incident);
  return all;
}

}  // namespace turnkeeper::monitor
