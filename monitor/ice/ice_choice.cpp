// Which relays, and which of their URLs, an IceTable chooses for one client.
#include <algorithm>
#include <functional>

#include "monitor/ice/ice_table.hpp"

namespace turnkeeper::monitor {

using api::Verdict;

// Usable relays of every region come before anything else. The unknown ones of the first region come before even those
// when nothing better is there: a monitor that has just started moves nobody. Down as far as it must go, and no
// further.
IceTable::Groups IceTable::groups(const std::vector<std::size_t>& order) const {
  Groups chosen;
  if (order.empty()) return chosen;
  const auto add = [&](const Place& place, Verdict verdict) {
    if (place.has(verdict)) chosen.push_back(&place.group(verdict));
  };
  const auto add_all = [&](Verdict verdict) {
    for (const auto region : order) add(regions_[region], verdict);
  };
  const auto& first = regions_[order.front()];
  const bool any_usable = std::ranges::any_of(order, [&](std::size_t region) { return regions_[region].usable(); });
  if (!any_usable) {
    for (const auto verdict : {Verdict::unknown, Verdict::unhealthy, Verdict::draining}) {
      if (chosen.empty()) add_all(verdict);
    }
    return chosen;
  }
  if (!first.usable()) add(first, Verdict::unknown);
  for (const auto region : order) {
    add(regions_[region], Verdict::healthy);
    add(regions_[region], Verdict::degraded);
  }
  return chosen;
}

void IceTable::take_best(const Group& group, std::uint64_t affinity, std::size_t most,
                         std::vector<const Entry*>& into) {
  if (group.entries.size() == 1 && most > 0) return into.push_back(&group.entries.front());
  std::vector<std::pair<std::uint64_t, const Entry*>> weighed;
  weighed.reserve(group.entries.size());
  for (const auto& entry : group.entries) weighed.emplace_back(weight(entry, affinity), &entry);
  most = std::min(most, weighed.size());
  std::ranges::partial_sort(weighed, weighed.begin() + static_cast<std::ptrdiff_t>(most), std::greater{});
  for (std::size_t i = 0; i < most; ++i) into.push_back(weighed[i].second);
}

// The URL that a client gets through with whose network passes nothing else: TLS on 443, else TLS, else TCP.
IceTable::Choice IceTable::strict(const Groups& groups, std::uint64_t affinity, const Entry& first) const {
  for (const Way way : {tls_443, tls, tcp}) {
    const auto has_way = [&](const Url& url) { return url.way == way; };
    if (const auto url = std::ranges::find_if(first.urls, has_way); url != first.urls.end()) return {&first, {&*url}};
    const auto group = std::ranges::find_if(groups, [&](const Group* g) { return g->ways.at(way); });
    if (group == groups.end()) continue;
    const Entry* best = nullptr;
    for (const auto& entry : (*group)->entries) {
      if (!std::ranges::any_of(entry.urls, has_way)) continue;
      if (!best || weight(entry, affinity) > weight(*best, affinity)) best = &entry;
    }
    return {best, {&*std::ranges::find_if(best->urls, has_way)}};
  }
  return {};
}

// The first relay with its transports; then the others with their first one each. One place is for a URL that gets
// through a strict network, and the last one goes to another region if the list would otherwise depend on one.
std::vector<IceTable::Choice> IceTable::choose(const Groups& groups, std::uint64_t affinity) const {
  std::vector<const Entry*> picks;
  for (const auto* group : groups) {
    if (picks.size() < limit_) take_best(*group, affinity, limit_ - picks.size(), picks);
  }
  std::vector<Choice> choices;
  if (picks.empty()) return choices;
  const Entry& first = *picks.front();
  const auto away = std::ranges::find_if(groups, [&](const Group* g) { return g->entries[0].region != first.region; });
  std::vector<const Entry*> elsewhere;
  if (away != groups.end()) take_best(**away, affinity, 1, elsewhere);

  const auto passes = limit_ >= 3 ? strict(groups, affinity, first) : Choice();
  const bool reserved = passes.entry && passes.entry != &first;
  const bool others = picks.size() > 1 || !elsewhere.empty();
  const std::size_t places_of_first = std::max<std::size_t>(limit_ - (others ? 1 : 0) - (reserved ? 1 : 0), 1);
  Choice& of_first = choices.emplace_back(Choice{&first, {}});
  for (const auto& url : first.urls) {
    if (of_first.urls.size() < places_of_first) of_first.urls.push_back(&url);
  }
  if (passes.entry == &first && places_of_first > 1 && !std::ranges::count(of_first.urls, passes.urls[0])) {
    of_first.urls.back() = passes.urls[0];
  }

  std::size_t used = of_first.urls.size();
  const auto add = [&](const Entry* entry, const Url* url) {
    const auto found = std::ranges::find(choices, entry, &Choice::entry);
    if (found == choices.end()) {
      choices.push_back({entry, {url}});
    } else if (!std::ranges::count(found->urls, url)) {
      found->urls.push_back(url);
    } else {
      return;
    }
    ++used;
  };
  const auto alone = [&] {
    const auto same = [&](const Choice& choice) { return choice.entry->region == first.region; };
    return std::ranges::all_of(choices, same) && (!reserved || passes.entry->region == first.region);
  };
  const auto fill = [&](std::size_t places) {
    for (const auto* pick : picks) {
      if (used + 1 == places && !elsewhere.empty() && alone()) add(elsewhere[0], &elsewhere[0]->urls[0]);
      if (used >= places) return;
      if (std::ranges::find(choices, pick, &Choice::entry) == choices.end()) add(pick, &pick->urls[0]);
    }
  };
  fill(limit_ - (reserved ? 1 : 0));
  if (reserved) {
    add(passes.entry, passes.urls[0]);
    fill(limit_);
  }
  return choices;
}

}  // namespace turnkeeper::monitor
