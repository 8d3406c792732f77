#include "turnkeeper/api/vantage_identity.hpp"

#include <algorithm>
#include <string_view>

#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::api {
namespace {

constexpr std::string_view scheme = "turnkeeper:";
constexpr std::string_view prefix = "turnkeeper:vantage/";

constexpr std::size_t longest_label = 63;   // of a namespace, a TurnCluster, and of what a person calls a vantage
constexpr std::size_t longest_place = 253;  // a region, or the name of a Secret

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/')) {
    parts.push_back(name.substr(0, slash));
    name.remove_prefix(slash + 1);
  }
  parts.push_back(name);
  return parts;
}

VantageIdentity parse(const std::string& uri) {
  if (!uri.starts_with(prefix)) return {};
  const auto vantage = uri.substr(prefix.size());
  if (parts_of(vantage).size() != 3 || !is_vantage_name(vantage)) return {};
  return {vantage.substr(0, vantage.rfind('/')), vantage};
}

}  // namespace

bool is_vantage_name(std::string_view name) {
  const auto parts = parts_of(name);
  if (!std::ranges::all_of(parts, is_realm)) return false;
  if (parts.size() == 1) return name.size() <= longest_label;
  return parts.size() == 3 && parts[0].size() <= longest_label && parts[1].size() <= longest_label &&
         parts[2].size() <= longest_place;
}

std::string vantage_uri(const std::string& vantage) {
  return std::string(prefix) + vantage;
}

std::optional<VantageIdentity> vantage_identity(const std::vector<std::string>& names) {
  std::optional<VantageIdentity> found;
  for (const auto& name : names) {
    if (!name.starts_with(scheme)) continue;
    if (found) return VantageIdentity{};
    found = parse(name);
  }
  return found;
}

}  // namespace turnkeeper::api
