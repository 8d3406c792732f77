// What the kinds of provider are called: `type:` of a provider in monitor.yaml, TURN_PROVIDER, labels of metrics.
#pragma once

#include <array>
#include <string_view>

#include "monitor/target/provider_config.hpp"

namespace turnkeeper::monitor {

inline constexpr std::array<std::pair<std::string_view, ProviderConfig::Type>, 7> provider_types{{
    {"turn-rest", ProviderConfig::Type::turn_rest},
    {"twilio", ProviderConfig::Type::twilio},
    {"metered", ProviderConfig::Type::metered},
    {"xirsys", ProviderConfig::Type::xirsys},
    {"cloudflare", ProviderConfig::Type::cloudflare},
    {"static", ProviderConfig::Type::static_list},
    {"shared-secret", ProviderConfig::Type::shared_secret},
}};

[[nodiscard]] std::string_view provider_type_name(ProviderConfig::Type type);  // "turn-rest", ...

}  // namespace turnkeeper::monitor
