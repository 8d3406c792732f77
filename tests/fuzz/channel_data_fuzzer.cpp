// A datagram read as ChannelData, and written again.
#include <algorithm>
#include <vector>

#include "require.hpp"
#include "turnkeeper/turn/channel_data.hpp"

using namespace turnkeeper::turn;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  const auto channel_data = decode_channel_data(datagram);
  if (!channel_data) return 0;
  require(!Message::decode(datagram), "a datagram is ChannelData or STUN, never both");
  require(channel_data->channel >= first_channel && channel_data->channel <= last_channel, "the channel is one");
  require(channel_data->payload.size() + channel_header_size <= size, "the payload lies inside the datagram");
  std::vector<std::uint8_t> out(size);
  const auto frame = encode_channel_data(out, channel_data->channel, channel_data->payload);
  require(frame.size() == channel_header_size + channel_data->payload.size() &&
              std::equal(frame.begin(), frame.end(), datagram.begin()),
          "what is written is what was read");
  require(frame.empty() ||
              encode_channel_data(std::span(out).first(frame.size() - 1), channel_data->channel, channel_data->payload)
                  .empty(),
          "what does not fit is not written");
  return 0;
}
