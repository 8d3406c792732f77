// Cuts what a TURN server sends over a stream into messages (RFC 8656 section 12.5): STUN by its length, ChannelData by
// its length and the padding to four bytes. Pure.
//
//   framer.push(received);
//   while (auto message = framer.next()) handle(*message);   // whole, without padding
//   if (framer.broken()) disconnect();
//
// Holds at most one unfinished message (64 KiB and a header) and the last push, however slowly they come.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "turnkeeper/turn/message.hpp"

namespace turnkeeper::turn {

class StreamFramer {
 public:
  void push(Bytes received);
  // Valid until the next push().
  [[nodiscard]] std::optional<Bytes> next();
  // The stream carries something else, and nothing can be read from it any more.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // what lies before was handed out
  bool broken_ = false;
};

}  // namespace turnkeeper::turn
