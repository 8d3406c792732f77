// The API's words for its enumerations.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

inline constexpr std::array transport_names{
    std::pair{std::string_view("UDP"), Transport::udp}, std::pair{std::string_view("TCP"), Transport::tcp},
    std::pair{std::string_view("TLS"), Transport::tls}, std::pair{std::string_view("DTLS"), Transport::dtls}};
inline constexpr std::array exposure_names{std::pair{std::string_view("HostNetwork"), Exposure::host_network},
                                           std::pair{std::string_view("LoadBalancer"), Exposure::load_balancer},
                                           std::pair{std::string_view("NodePort"), Exposure::node_port},
                                           std::pair{std::string_view("ClusterIP"), Exposure::cluster_ip}};
inline constexpr std::array ip_family_names{std::pair{std::string_view("IPv4"), IpFamily::v4},
                                            std::pair{std::string_view("IPv6"), IpFamily::v6}};
inline constexpr std::array at_limit_names{
    std::pair{std::string_view("Report"), Budget::AtLimit::report},
    std::pair{std::string_view("StopAutoscaling"), Budget::AtLimit::stop_autoscaling},
    std::pair{std::string_view("LowerBandwidth"), Budget::AtLimit::lower_bandwidth}};
inline constexpr std::array provider_type_names{
    std::pair{std::string_view("Twilio"), ProviderType::twilio},
    std::pair{std::string_view("Xirsys"), ProviderType::xirsys},
    std::pair{std::string_view("Cloudflare"), ProviderType::cloudflare},
    std::pair{std::string_view("Metered"), ProviderType::metered},
    std::pair{std::string_view("TurnRest"), ProviderType::turn_rest},
    std::pair{std::string_view("Static"), ProviderType::static_list},
    std::pair{std::string_view("SharedSecret"), ProviderType::shared_secret}};
inline constexpr std::array provider_use_names{std::pair{std::string_view("Fallback"), ProviderUse::fallback},
                                               std::pair{std::string_view("Only"), ProviderUse::only},
                                               std::pair{std::string_view("Cheapest"), ProviderUse::cheapest}};

[[nodiscard]] std::string_view transport_name(Transport transport);    // "UDP"
[[nodiscard]] std::string_view exposure_name(Exposure exposure);       // "HostNetwork"
[[nodiscard]] std::string_view ip_family_name(IpFamily family);        // "IPv4"
[[nodiscard]] std::string_view provider_type_name(ProviderType type);  // "Twilio"

}  // namespace turnkeeper::api
