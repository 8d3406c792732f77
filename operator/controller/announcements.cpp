#include "operator/controller/announcements.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "operator/plan/json_member.hpp"
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

std::string verdict_of(const json& status, const std::string& region) {
  for (const auto& entry : at(status, "regions")) {
    if (kube::text_at(entry, "/name") == region) return kube::text_at(entry, "/verdict");
  }
  return {};
}

// A condition that somebody must look at, and the event that tells of it.
struct Trouble {
  const char* condition;
  const char* status;
  const char* reason;
};
constexpr std::array troubles{Trouble{"Stalled", "True", "Stalled"},
                              Trouble{"CredentialsCurrent", "False", "RotationBlocked"},
                              Trouble{"ProvidersUsable", "False", "ProviderFailing"}};

// Its message, when there is this trouble.
std::optional<std::string> message_of(const Trouble& trouble, const json& status) {
  for (const auto& condition : at(status, "conditions")) {
    if (at(condition, "type") == trouble.condition && at(condition, "status") == trouble.status) {
      return text(at(condition, "message"));
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Announcement> announcements(const json& before, const json& after, const Written& written) {
  using kube::EventType;
  std::vector<Announcement> out;
  const bool first = at(before, "conditions").empty();
  if (first && !written.created.empty()) {
    std::vector<std::string> regions;
    for (const auto& region : at(after, "regions")) regions.push_back(kube::text_at(region, "/name"));
    out.push_back({EventType::normal, "Created", "the relays of " + joined(regions) + " are being set up"});
  }
  if (!written.restored.empty()) {
    out.push_back({EventType::normal, "DriftRepaired",
                   "restored what was changed or deleted by someone else: " + joined(written.restored)});
  }
  const auto unhealthy = api::verdict_name(api::Verdict::unhealthy);
  for (const auto& region : at(after, "regions")) {
    const std::string name = kube::text_at(region, "/name");
    const std::string was = verdict_of(before, name);
    const std::string is = kube::text_at(region, "/verdict");
    if (is == unhealthy && was != unhealthy && !was.empty()) {
      const std::string server = kube::text_at(region, "/servedBy");
      out.push_back({EventType::warning, "RegionFailing",
                     "region " + name + ": no relay works; " +
                         (server.empty() ? "nobody can take over" : "its clients are sent to " + server)});
    }
    const bool works =
        is == api::verdict_name(api::Verdict::healthy) || is == api::verdict_name(api::Verdict::degraded);
    if (was == unhealthy && works) {
      out.push_back({EventType::normal, "RegionRecovered", "region " + name + " serves its clients again"});
    }
  }
  for (const auto& trouble : troubles) {
    const auto message = message_of(trouble, after);
    if (message && !message_of(trouble, before)) out.push_back({EventType::warning, trouble.reason, *message});
  }
  return out;
}

std::vector<Announcement> site_announcements(const std::map<std::string, std::string>& before,
                                             const std::map<std::string, std::string>& unreachable,
                                             const std::set<std::string>& in_use,
                                             const std::vector<std::string>& left_behind) {
  using kube::EventType;
  std::vector<Announcement> out;
  for (const auto& [site, why] : unreachable) {
    const auto told = before.find(site);
    if (told != before.end() && told->second == why) continue;
    out.push_back({EventType::warning, "SiteUnreachable",
                   "the Kubernetes cluster of " + site + " is not reached, its relays run on as they are: " + why});
  }
  for (const auto& [site, why] : before) {
    // One that is not asked any more was not reached either.
    if (unreachable.contains(site) || !in_use.contains(site)) continue;
    out.push_back({EventType::normal, "SiteReached", "the Kubernetes cluster of " + site + " is reached again"});
  }
  if (!left_behind.empty()) {
    out.push_back({EventType::warning, "LeftBehind",
                   "deleted without waiting any longer; what has the label turnkeeper.io/cluster remains at " +
                       joined(left_behind)});
  }
  return out;
}

}  // namespace turnkeeper::op
