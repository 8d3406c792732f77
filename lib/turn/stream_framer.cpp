#include "turnkeeper/turn/stream_framer.hpp"

#include "turnkeeper/turn/channel_data.hpp"
#include "turnkeeper/turn/wire.hpp"

namespace turnkeeper::turn {

void StreamFramer::push(Bytes received) {
  if (broken_) return;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  buffer_.insert(buffer_.end(), received.begin(), received.end());
}

std::optional<Bytes> StreamFramer::next() {
  const Bytes rest = Bytes(buffer_).subspan(begin_);
  if (broken_ || rest.size() < channel_header_size) return std::nullopt;
  const std::uint16_t first = read_u16(rest, 0);
  const std::size_t length = read_u16(rest, 2);
  const bool stun = first < first_channel;
  // The cookie as soon as it is there, so that a stranger's stream is known for one before its "length" has come.
  const bool stranger =
      stun ? length % 4 != 0 || (rest.size() >= 8 && read_u32(rest, 4) != magic_cookie) : first > last_channel;
  if (stranger) {
    broken_ = true;
    return std::nullopt;
  }
  const std::size_t size = (stun ? header_size : channel_header_size) + length;
  const std::size_t padded = (size + 3) / 4 * 4;
  if (rest.size() < padded) return std::nullopt;
  begin_ += padded;
  return rest.first(size);
}

}  // namespace turnkeeper::turn
