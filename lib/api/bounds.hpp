// What each number and length of a TurnCluster may be. crds/turnclusters.yaml says the same; a test compares them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace turnkeeper::api::bounds {

template <class T>
struct Bounds {  // both ends included
  T min;
  T max;
};

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr Bounds<std::int64_t> replicas{1, 100};
inline constexpr Bounds<std::int64_t> port{1, 65535};
// Ports of other services are not for strangers to receive on.
inline constexpr Bounds<std::int64_t> relayed_port{1024, 65535};
inline constexpr Bounds<std::int64_t> sessions_per_relay{0, 100'000};
inline constexpr Bounds<std::int64_t> megabits_per_relay{0, 1'000'000};
// Less would not carry a voice.
inline constexpr Bounds<std::int64_t> lowered_bits_per_second{64'000, 1'000'000'000'000};
inline constexpr Bounds<std::int64_t> sessions{1, 100'000};
inline constexpr Bounds<std::int64_t> sessions_per_user{1, 100'000};
inline constexpr Bounds<std::int64_t> bits_per_second{0, 1'000'000'000'000};
inline constexpr Bounds<std::int64_t> misses{1, 20};
inline constexpr Bounds<std::int64_t> toleration_seconds{0, 86'400};
inline constexpr Bounds<seconds> drain_timeout{seconds(0), seconds(24 * 3600)};
// Below 10 minutes a credential may run out before coturn's shortest allocation lifetime (600 s) does.
inline constexpr Bounds<seconds> credential_ttl{seconds(600), seconds(48 * 3600)};
// 0 means never; between that and an hour is nothing.
inline constexpr Bounds<seconds> rotate_every{seconds(3600), seconds(87'600 * 3600)};
inline constexpr Bounds<seconds> dns_ttl{seconds(1), seconds(24 * 3600)};
inline constexpr Bounds<milliseconds> canary{milliseconds(20), milliseconds(10'000)};
inline constexpr Bounds<milliseconds> full_probe{milliseconds(1000), milliseconds(3'600'000)};
// More often costs more than it tells; full probes are all that is sent.
inline constexpr Bounds<milliseconds> provider_probe{milliseconds(1000), milliseconds(3'600'000)};

inline constexpr std::size_t realm_length = 127;  // RFC 8489 section 14.9: fewer than 128 characters
inline constexpr std::size_t region_name_length = 40;
inline constexpr std::size_t image_length = 255;
inline constexpr std::size_t text_length = 253;  // of any other text
// A relay's name of at most 63 characters and a dot go before it, and a name has at most 253.
inline constexpr std::size_t hostname_length = 189;
inline constexpr std::size_t address_pair_length = 91;
inline constexpr std::size_t amount_length = 16;
inline constexpr std::size_t qualified_name_length = 317;
inline constexpr std::size_t regions = 32;
inline constexpr std::size_t peers = 64;  // entries of a deny or allow list
inline constexpr std::size_t stun_servers = 8;
inline constexpr std::size_t providers = 8;
inline constexpr std::size_t provider_urls = 8;
inline constexpr std::size_t url_length = 512;
inline constexpr std::size_t tolerations = 32;
inline constexpr std::size_t map_entries = 32;  // of a nodeSelector or annotations
// A StatefulSet is named CLUSTER-REGION, and the label that it puts on its pods adds 11 characters of the 63 allowed.
inline constexpr std::size_t stateful_set_name_length = 52;
// Where the agent beside each relay listens (TCP).
inline constexpr std::uint16_t agent_port = 9642;

}  // namespace turnkeeper::api::bounds
