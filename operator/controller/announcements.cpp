#include "operator/controller/announcements.hpp"

#include <algorithm>

#include "turnkeeper/api/conditions.hpp"
#include "turnkeeper/api/health.hpp"
#include "turnkeeper/kube/resource.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

json member(const json& status, const char* name) {
  return status.is_object() && status.contains(name) ? status.at(name) : json::array();
}

std::string verdict_of(const json& status, const std::string& region) {
  for (const auto& entry : member(status, "regions")) {
    if (kube::text_at(entry, "/name") == region) return kube::text_at(entry, "/verdict");
  }
  return {};
}

bool is_stalled(const json& status, std::string* message = nullptr) {
  const auto conditions = api::conditions_from_json(member(status, "conditions"));
  const auto* stalled = api::find_condition(conditions, "Stalled");
  if (stalled == nullptr || stalled->status != api::ConditionStatus::yes) return false;
  if (message != nullptr) *message = stalled->message;
  return true;
}

}  // namespace

std::vector<Announcement> announcements(const json& before, const json& after, const Written& written) {
  using kube::EventType;
  std::vector<Announcement> out;
  const bool first = member(before, "conditions").empty();
  if (first && !written.created.empty()) {
    std::vector<std::string> regions;
    for (const auto& region : member(after, "regions")) regions.push_back(kube::text_at(region, "/name"));
    out.push_back({EventType::normal, "Created", "the relays of " + joined(regions) + " are being set up"});
  }
  if (!written.restored.empty()) {
    out.push_back({EventType::normal, "DriftRepaired",
                   "restored what was changed or deleted by someone else: " + joined(written.restored)});
  }
  const auto unhealthy = api::verdict_name(api::Verdict::unhealthy);
  for (const auto& region : member(after, "regions")) {
    const std::string name = kube::text_at(region, "/name");
    const std::string was = verdict_of(before, name);
    const std::string is = kube::text_at(region, "/verdict");
    if (is == unhealthy && was != unhealthy && !was.empty()) {
      const std::string server = kube::text_at(region, "/servedBy");
      out.push_back({EventType::warning, "RegionFailing",
                     "region " + name + ": no relay works; " +
                         (server.empty() ? "no other region can take over" : "its clients are sent to " + server)});
    }
    const bool works =
        is == api::verdict_name(api::Verdict::healthy) || is == api::verdict_name(api::Verdict::degraded);
    if (was == unhealthy && works) {
      out.push_back({EventType::normal, "RegionRecovered", "region " + name + " serves its clients again"});
    }
  }
  std::string message;
  if (is_stalled(after, &message) && !is_stalled(before)) out.push_back({EventType::warning, "Stalled", message});
  return out;
}

}  // namespace turnkeeper::op
