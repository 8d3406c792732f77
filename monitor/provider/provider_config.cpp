#include "monitor/provider/provider_config.hpp"

#include <algorithm>

namespace turnkeeper::monitor {

std::string_view provider_type_name(ProviderConfig::Type type) {
  return std::ranges::find(provider_types, type, [](const auto& entry) { return entry.second; })->first;
}

}  // namespace turnkeeper::monitor
