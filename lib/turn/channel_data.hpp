// ChannelData framing (RFC 8656 section 12.4): four bytes in front of what a peer sends or is sent. Neither function
// allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn {

inline constexpr std::size_t channel_header_size = 4;
inline constexpr std::uint16_t first_channel = 0x4000;
inline constexpr std::uint16_t last_channel = 0x4FFF;

struct ChannelData {
  std::uint16_t channel = 0;
  Bytes payload;  // points into the datagram
};

// A datagram that starts like ChannelData and holds as much as it claims to; bytes behind that are padding. Nothing for
// every other datagram, STUN included.
[[nodiscard]] std::optional<ChannelData> decode_channel_data(Bytes datagram);

// Writes header and payload to `out` and returns the part written; empty when it does not fit, or the payload is longer
// than 65535 bytes. Unpadded, as UDP allows.
[[nodiscard]] Bytes encode_channel_data(std::span<std::uint8_t> out, std::uint16_t channel, Bytes payload);

}  // namespace turnkeeper::turn
