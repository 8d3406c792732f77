#include "operator/plan/record.hpp"

#include <algorithm>

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// Those where something is about to be made, and any other until all is gone there.
std::set<std::string> sites_to_record(const api::TurnCluster& cluster, const Observed& observed) {
  std::set<std::string> sites;
  if (!cluster.deleting) {
    for (const auto& site : sites_of(cluster)) {
      if (!observed.unreachable.contains(site)) sites.insert(site);
    }
  }
  for (const auto& site : observed.recorded) {
    if (observed.unreachable.contains(site) || std::ranges::any_of(observed.children, [&](const Placed& child) {
          return child.site == site && is_owned(child, cluster.uid);
        })) {
      sites.insert(site);
    }
  }
  sites.erase("");
  return sites;
}

}  // namespace

std::set<std::string> recorded_sites(const json& turn_cluster) {
  std::set<std::string> sites;
  const auto at = json::json_pointer("/metadata/annotations") / sites_record;
  if (!turn_cluster.contains(at) || !turn_cluster.at(at).is_string()) return sites;
  const auto text = turn_cluster.at(at).get<std::string>();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    if (end > begin) sites.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return sites;
}

json record_patch(const json& turn_cluster, const std::set<std::string>& sites) {
  const auto& from = turn_cluster.at("metadata");
  json metadata = {{"name", from.at("name")}, {"namespace", from.at("namespace")}, {"uid", from.at("uid")}};
  if (!sites.empty()) {
    std::string text;
    for (const auto& site : sites) text += (text.empty() ? "" : ",") + site;
    metadata["annotations"] = {{sites_record, text}};
    metadata["finalizers"] = {sites_record};
  }
  return {{"apiVersion", turn_cluster.at("apiVersion")},
          {"kind", turn_cluster.at("kind")},
          {"metadata", std::move(metadata)}};
}

void plan_record(const api::TurnCluster& cluster, const Observed& observed, const Settings& settings, SystemTime now,
                 Plan& plan) {
  auto sites = sites_to_record(cluster, observed);
  if (!sites.empty() && observed.deleted_at) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(*observed.deleted_at + settings.deletion_patience - now);
    if (left.count() > 0) {
      plan.look_again(left);
    } else {
      for (const auto& site : sites) {
        const auto why = observed.unreachable.find(site);
        plan.left_behind.push_back(
            site + (why == observed.unreachable.end() ? ": its objects do not go away" : ": " + why->second));
      }
      sites.clear();
    }
  }
  if (sites != observed.recorded) plan.record = std::move(sites);
}

}  // namespace turnkeeper::op
