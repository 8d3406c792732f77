// Which Kubernetes Events a pass is worth: what a person who looks at the TurnCluster would want to know. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "turnkeeper/kube/events.hpp"

namespace turnkeeper::op {

struct Announcement {
  kube::EventType type = kube::EventType::normal;
  std::string reason;  // CamelCase
  std::string message;
  bool operator==(const Announcement&) const = default;
};

// What the pass wrote, as "Kind name".
struct Written {
  std::vector<std::string> created;
  std::vector<std::string> restored;  // someone had changed or deleted them
};

// `before` and `after` are .status; `before` is null on the first visit.
[[nodiscard]] std::vector<Announcement> announcements(const nlohmann::json& before, const nlohmann::json& after,
                                                      const Written& written);

// About other Kubernetes clusters: which came and which went (site -> why it is not reached, `before` as told last) of
// those that are in use, and what a deletion leaves there.
[[nodiscard]] std::vector<Announcement> site_announcements(const std::map<std::string, std::string>& before,
                                                           const std::map<std::string, std::string>& unreachable,
                                                           const std::set<std::string>& in_use,
                                                           const std::vector<std::string>& left_behind);

}  // namespace turnkeeper::op
