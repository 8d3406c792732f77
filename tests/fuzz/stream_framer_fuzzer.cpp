// A stream cut into messages: where the network cut it into pieces changes nothing.
#include <vector>

#include "require.hpp"
#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/stream_framer.hpp"

using namespace turnkeeper::turn;
using turnkeeper::fuzz::require;

namespace {

std::vector<std::vector<std::uint8_t>> messages_of(Bytes stream, std::size_t piece, bool& broken) {
  StreamFramer framer;
  std::vector<std::vector<std::uint8_t>> messages;
  while (!stream.empty() && !framer.broken()) {
    const auto now = std::min(piece, stream.size());
    framer.push(stream.first(now));
    stream = stream.subspan(now);
    while (const auto message = framer.next()) messages.emplace_back(message->begin(), message->end());
  }
  broken = framer.broken();
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const Bytes stream(data + 1, size - 1);
  bool broken_whole = false;
  bool broken_pieces = false;
  const auto whole = messages_of(stream, size, broken_whole);
  const auto pieces = messages_of(stream, piece, broken_pieces);
  require(whole == pieces && broken_whole == broken_pieces, "pieces give what the whole stream gives");
  std::size_t total = 0;
  for (const auto& message : whole) {
    total += message.size();
    require(decode_channel_data(message) || message.size() >= header_size,
            "a message is ChannelData or as long as STUN");
  }
  require(total <= stream.size(), "no byte comes twice");
  return 0;
}
