#include "cli/live_view.hpp"

#include <algorithm>
#include <array>

#include "cli/text.hpp"

namespace turnkeeper::cli {
namespace {

using api::Verdict;

constexpr const char* kBold = "1";
constexpr const char* kQuiet = "2";

const char* color_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::healthy:
      return "32";
    case Verdict::unhealthy:
      return "31";
    case Verdict::degraded:
    case Verdict::draining:
      return "33";
    case Verdict::unknown:
      break;
  }
  return kQuiet;
}

// A line of pieces, cut to the screen's width before the colors are put in: those have no width.
class Line {
 public:
  Line& add(const std::string& text, const char* style = nullptr) {
    pieces_.emplace_back(printable(text), style);
    return *this;
  }
  Line& cell(const std::string& text, std::size_t width, const char* style = nullptr) {
    add(text, style);
    return add(std::string(text.size() < width ? width - text.size() : 1, ' '));
  }
  [[nodiscard]] std::string text(const Screen& screen) const {
    std::string out;
    std::size_t left = screen.columns;
    for (const auto& [text, style] : pieces_) {
      const std::string shown = text.substr(0, left);
      left -= shown.size();
      const bool styled = screen.color && style != nullptr && !shown.empty();
      out += styled ? "\x1b[" + std::string(style) + "m" + shown + "\x1b[0m" : shown;
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, const char*>> pieces_;
};

constexpr std::array kPhases{monitor::Phase::resolve, monitor::Phase::connect, monitor::Phase::allocate,
                             monitor::Phase::bind,    monitor::Phase::echo,    monitor::Phase::refresh};

// "1.23" of "1.23 ms": the column says the unit.
std::string bare(std::chrono::nanoseconds time) {
  const std::string text = milliseconds(time);
  return text.substr(0, text.find(' '));
}

void add_probe(Line& line, const std::optional<monitor::ProbeResult>& probe) {
  if (!probe) {
    line.add("none yet", kQuiet);
    return;
  }
  if (!probe->ok) {
    line.add(std::string(api::cause_name(probe->cause)) + " after " + milliseconds(probe->total),
             color_of(Verdict::unhealthy));
    return;
  }
  line.cell(bare(probe->total), 7, kBold);
  for (const auto phase : kPhases) {
    const auto found = std::ranges::find(probe->phases, phase, [](const auto& entry) { return entry.first; });
    line.cell(found == probe->phases.end() ? "-" : bare(found->second), monitor::phase_name(phase).size() + 2);
  }
}

struct Widths {
  std::size_t name = 5;
  std::size_t address = 7;
};

Widths measure(const monitor::Status& status) {
  Widths widths;
  for (const auto& cluster : status.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        widths.name = std::max(widths.name, relay.name.size());
        widths.address = std::max(widths.address, relay.address.size());
      }
    }
  }
  return widths;
}

void add_relay(std::vector<Line>& lines, const monitor::RelayStatus& relay, const LiveView& view,
               const Widths& widths) {
  const std::string verdict(api::verdict_name(relay.verdict));
  // The last echo of a dead relay says nothing any more.
  const bool echoes = relay.echo && relay.verdict != Verdict::unhealthy;
  Line row;
  row.cell("  " + relay.name, widths.name + 4)
      .cell(relay.address, widths.address + 2, kQuiet)
      .cell(verdict, 11, color_of(relay.verdict))
      .cell(duration(view.now - relay.since), 8, kQuiet)
      .cell(echoes ? milliseconds(*relay.echo) : "-", 10);
  add_probe(row, relay.probe);
  lines.push_back(std::move(row));
  const std::string indent(widths.name + 4, ' ');
  if (view.held.contains(relay.name)) {
    lines.push_back(Line()
                        .add(indent + "stopped by you; bring it back with ")
                        .add(view.program + " relay start " + relay.name + view.options, kBold));
    return;
  }
  if (relay.cause != api::Cause::none) {
    lines.push_back(Line()
                        .add(indent + std::string(api::cause_name(relay.cause)), color_of(relay.verdict))
                        .add(relay.detail.empty() ? "" : ": " + relay.detail));
    lines.push_back(Line().add(indent + std::string(api::cause_advice(relay.cause)), kQuiet));
  }
  if (const auto problem = view.problems.find(relay.name); problem != view.problems.end()) {
    lines.push_back(Line().add(indent + problem->second.text(), color_of(Verdict::degraded)));
  }
}

void add_offers(std::vector<Line>& lines, const LiveView& view) {
  for (const auto& offer : view.offers) {
    Line line;
    line.add("  A client in ").add(offer.region, kBold).add(" gets");
    const char* separator = "  ";
    for (const auto& server : offer.servers) {
      line.add(separator + (server.relay.empty() ? "STUN" : server.relay));
      for (const auto& url : server.urls) {
        const auto transport = url.find("?transport=");
        if (transport != std::string::npos) line.add(" " + url.substr(transport + 11), kQuiet);
      }
      separator = ", ";
    }
    if (!offer.served_by.empty() && offer.served_by != offer.region) {
      line.add("  (served by " + offer.served_by + ")", color_of(Verdict::degraded));
    }
    lines.push_back(line);
  }
}

std::string failover_text(const monitor::Failover& failover) {
  if (failover.is_return()) return "clients of " + failover.region + " are back on " + failover.to;
  std::string text = "clients of " + failover.region + ": " + (failover.from.empty() ? "nobody" : failover.from) +
                     " -> " + (failover.to.empty() ? "nobody" : failover.to);
  if (failover.cause != api::Cause::none) text += " (" + std::string(api::cause_name(failover.cause)) + ")";
  return text;
}

// "19:28:24", UTC.
std::string time_of_day(SystemTime time) {
  const std::string text = rfc3339(time);
  return text.size() == 20 ? text.substr(11, 8) : text;
}

std::string first_relay(const monitor::Status& status) {
  for (const auto& cluster : status.clusters) {
    for (const auto& region : cluster.regions) {
      if (!region.relays.empty()) return region.relays.front().name;
    }
  }
  return "NAME";
}

const monitor::RelayStatus* find_relay(const monitor::Status& status, const std::string& cluster,
                                       const std::string& name) {
  for (const auto& candidate : status.clusters) {
    if (candidate.name != cluster) continue;
    for (const auto& region : candidate.regions) {
      const auto found = std::ranges::find(region.relays, name, &monitor::RelayStatus::name);
      if (found != region.relays.end()) return &*found;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> render_live_view(const LiveView& view, const Screen& screen) {
  std::vector<Line> lines;
  lines.push_back(Line().add("Turnkeeper", kBold).add("  " + view.cluster + "  ").add(view.url + "/", "36"));
  const Widths widths = measure(view.status);
  lines.emplace_back();
  Line header;
  header.cell("  RELAY", widths.name + 4, kQuiet)
      .cell("ADDRESS", widths.address + 2, kQuiet)
      .cell("VERDICT", 11, kQuiet)
      .cell("FOR", 8, kQuiet)
      .cell("ECHO", 10, kQuiet)
      .cell("PROBE", 7, kQuiet);
  for (const auto phase : kPhases) {
    const std::string name(monitor::phase_name(phase));
    header.cell(name, name.size() + 2, kQuiet);
  }
  header.add("ms", kQuiet);
  lines.push_back(std::move(header));
  for (const auto& cluster : view.status.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) add_relay(lines, relay, view, widths);
    }
  }
  lines.emplace_back();
  add_offers(lines, view);
  if (!view.rotation.empty()) lines.push_back(Line().add("  Keys  ", kQuiet).add(view.rotation));
  if (!view.status.failovers.empty()) {
    lines.emplace_back();
    for (std::size_t i = 0; i < std::min<std::size_t>(3, view.status.failovers.size()); ++i) {
      const auto& failover = view.status.failovers[i];
      lines.push_back(Line().add("  " + time_of_day(failover.at) + "  ", kQuiet).add(failover_text(failover)));
    }
  }
  const std::string relay = first_relay(view.status);
  lines.emplace_back();
  std::vector<std::pair<std::string, const char*>> suggestions;
  if (!view.room.empty()) suggestions.emplace_back(view.room, "a call in your browser to watch");
  suggestions.insert(suggestions.end(),
                     {{view.program + " relay stop " + relay + view.options, "kill it and watch its clients move"},
                      {view.program + " drill" + view.options, "the same with a stop watch"},
                      {view.program + " ice --url " + view.url, "a client's list, with credentials"}});
  std::size_t width = 0;
  for (const auto& [command, what] : suggestions) width = std::max(width, command.size() + 2);
  for (const auto& [command, what] : suggestions) {
    lines.push_back(Line().add("  Try  ", kQuiet).cell(command, width, kBold).add(what, kQuiet));
  }
  lines.push_back(Line().add("  Ctrl-C stops the relays and this monitor.", kQuiet));

  std::vector<std::string> texts;
  for (std::size_t i = 0; i < std::min(lines.size(), screen.rows); ++i) texts.push_back(lines[i].text(screen));
  return texts;
}

std::vector<std::string> describe_changes(const monitor::Status& before, const monitor::Status& after, SystemTime now) {
  std::vector<std::string> lines;
  for (const auto& cluster : after.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        const auto* old = find_relay(before, cluster.name, relay.name);
        if (old != nullptr ? old->verdict == relay.verdict && old->cause == relay.cause
                           : relay.verdict == Verdict::unknown) {
          continue;
        }
        std::string line = time_of_day(now) + " " + relay.name + " " + std::string(api::verdict_name(relay.verdict));
        if (relay.cause != api::Cause::none) line += " " + std::string(api::cause_name(relay.cause));
        if (!relay.detail.empty()) line += ": " + relay.detail;
        lines.push_back(printable(line));
      }
    }
  }
  // Newest first in the status, and told in the order in which they happened.
  std::vector<std::string> moves;
  for (const auto& failover : after.failovers) {
    if (std::ranges::count(before.failovers, failover) > 0) break;
    moves.push_back(time_of_day(failover.at) + " " + printable(failover_text(failover)));
  }
  lines.insert(lines.end(), moves.rbegin(), moves.rend());
  return lines;
}

}  // namespace turnkeeper::cli
