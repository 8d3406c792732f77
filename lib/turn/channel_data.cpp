#include "turnkeeper/turn/channel_data.hpp"

#include <algorithm>
#include <limits>

#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {

std::optional<ChannelData> decode_channel_data(Bytes datagram) {
  if (datagram.size() < channel_header_size) return std::nullopt;
  const auto channel = read_u16(datagram, 0);
  const std::size_t length = read_u16(datagram, 2);
  if (channel < first_channel || channel > last_channel) return std::nullopt;
  if (length > datagram.size() - channel_header_size) return std::nullopt;
  return ChannelData{channel, datagram.subspan(channel_header_size, length)};
}

Bytes encode_channel_data(std::span<std::uint8_t> out, std::uint16_t channel, Bytes payload) {
  const std::size_t size = channel_header_size + payload.size();
  if (payload.size() > std::numeric_limits<std::uint16_t>::max() || size > out.size()) return {};
  write_u16(out, 0, channel);
  write_u16(out, 2, static_cast<std::uint16_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), out.begin() + channel_header_size);
  return out.first(size);
}

}  // namespace turnkeeper::turn
