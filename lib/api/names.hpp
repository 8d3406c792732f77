// The API's words for its enumerations.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "turnkeeper/api/turn_cluster.hpp"

namespace turnkeeper::api {

inline constexpr std::array transport_names{std::pair{std::string_view("UDP"), Transport::udp},
                                            std::pair{std::string_view("TCP"), Transport::tcp}};
inline constexpr std::array exposure_names{std::pair{std::string_view("HostNetwork"), Exposure::host_network},
                                           std::pair{std::string_view("ClusterIP"), Exposure::cluster_ip}};

[[nodiscard]] std::string_view transport_name(Transport transport);  // "UDP"
[[nodiscard]] std::string_view exposure_name(Exposure exposure);     // "HostNetwork"

}  // namespace turnkeeper::api
