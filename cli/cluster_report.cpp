#include "cli/cluster_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/text.hpp"
#include "turnkeeper/api/conditions.hpp"

namespace turnkeeper::cli {
namespace {

using nlohmann::json;

std::string at(const json& object, const char* pointer) {
  const json::json_pointer place(pointer);
  if (!object.is_object() || !object.contains(place)) return {};
  const auto& value = object.at(place);
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

// Null, or a list that is there.
const json& list_at(const json& object, const char* pointer) {
  static const json none = json::array();
  const json::json_pointer place(pointer);
  return object.contains(place) && object.at(place).is_array() ? object.at(place) : none;
}

std::string ago(const std::string& time, SystemTime now) {
  const auto then = parse_rfc3339(time);
  return then ? duration(std::max(now - *then, SystemTime::duration::zero())) : std::string();
}

std::string in(const std::string& time, SystemTime now) {
  const auto then = parse_rfc3339(time);
  if (!then) return {};
  return *then <= now ? "due" : "in " + duration(*then - now);
}

// How wide a text stands on a terminal, near enough: characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

using Row = std::vector<std::string>;

// Columns as wide as their longest text; an empty first row is no table.
std::string table(const std::vector<Row>& rows) {
  if (rows.size() < 2) return {};
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out = "\n";
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string conditions_table(const json& object, SystemTime now) {
  std::vector<Row> rows = {{"CONDITION", "", "SINCE", "REASON", ""}};
  for (const auto& condition : list_at(object, "/status/conditions")) {
    rows.push_back({at(condition, "/type"), at(condition, "/status"), ago(at(condition, "/lastTransitionTime"), now),
                    at(condition, "/reason"), at(condition, "/message")});
  }
  return table(rows);
}

std::string regions_table(const json& object) {
  std::vector<Row> rows = {{"REGION", "VERDICT", "HEALTHY", "SERVED BY"}};
  for (const auto& region : list_at(object, "/status/regions")) {
    const auto served_by = at(region, "/servedBy");
    rows.push_back({at(region, "/name"), at(region, "/verdict"),
                    at(region, "/healthy") + " of " + at(region, "/relays"),
                    served_by.empty()                  ? "nobody"
                    : served_by == at(region, "/name") ? "itself"
                                                       : served_by});
  }
  return table(rows);
}

std::string relays_table(const json& object, SystemTime now) {
  std::vector<Row> rows = {{"RELAY", "VERDICT", "SINCE", "SESSIONS", "COTURN", "ADDRESS", "CAUSE"}};
  for (const auto& relay : list_at(object, "/status/relays")) {
    rows.push_back({at(relay, "/name"), at(relay, "/verdict"), ago(at(relay, "/since"), now), at(relay, "/sessions"),
                    at(relay, "/version"), at(relay, "/address"), at(relay, "/cause")});
  }
  return table(rows);
}

std::string credentials_lines(const json& object, SystemTime now) {
  const auto key = at(object, "/status/credentials/currentKey");
  if (key.empty()) return {};
  std::string out = "\n  Signing key " + key + ", rotation " + at(object, "/status/credentials/phase");
  if (const auto next = at(object, "/status/credentials/nextRotation"); !next.empty())
    out += ", next " + in(next, now) + " (" + next + ')';
  return out + '\n';
}

std::string budget_lines(const json& object) {
  const auto cost = at(object, "/status/budget/cost");
  if (cost.empty()) return {};
  return "\n  Costs " + cost + " of " + at(object, "/spec/budget/monthly") + ' ' + at(object, "/spec/budget/currency") +
         " in " + at(object, "/status/budget/month") + ", " + at(object, "/status/budget/gigabytes") + " GB sent\n";
}

}  // namespace

std::string cluster_report(const json& object, SystemTime now) {
  std::string out = "TurnCluster " + at(object, "/metadata/namespace") + '/' + at(object, "/metadata/name") +
                    ", realm " + at(object, "/spec/realm") + '\n';
  if (at(object, "/spec/paused") == "true" || at(object, "/metadata/annotations/turnkeeper.io~1paused") == "true")
    out += "  It is paused: nothing is changed in Kubernetes.\n";
  if (!at(object, "/metadata/deletionTimestamp").empty()) out += "  It is being deleted.\n";
  if (list_at(object, "/status/conditions").empty()) {
    return out +
           "  No operator has looked at it yet: is one running? kubectl get deployments -A -l "
           "app.kubernetes.io/part-of=turnkeeper\n";
  }
  if (at(object, "/status/observedGeneration") != at(object, "/metadata/generation"))
    out += "  The operator has not seen the newest spec yet; what follows is about the one before.\n";
  return out + conditions_table(object, now) + regions_table(object) + relays_table(object, now) +
         credentials_lines(object, now) + budget_lines(object);
}

std::string rotation_preview(const json& object, bool at_once) {
  const auto key = at(object, "/status/credentials/currentKey");
  const auto name = key.empty() ? std::string("the present signing key") : "signing key " + key;
  const auto relays = std::to_string(list_at(object, "/status/relays").size());
  auto ttl = at(object, "/spec/credentials/ttl");
  if (ttl.empty()) ttl = "24h";
  std::string out = "1. A new signing key is made known to all " + relays +
                    " relays, and proven on each by an allocation.\n" + "2. It signs what clients get from then on.\n";
  if (at_once) {
    return out + "3. Every other key (" + name +
           ") is removed at once: credentials made with it are refused for new allocations. Clients that listen to a "
           "monitor get new ones; calls that stand go on.\n"
           "4. It is proven that every relay refuses them.\n";
  }
  return out + "3. For " + ttl + ", as long as the last credential made with " + name +
         " lives, relays accept both.\n" +
         "4. The old key is removed, and it is proven that every relay refuses it. No call is cut and no credential is "
         "refused before its time.\n";
}

}  // namespace turnkeeper::cli
