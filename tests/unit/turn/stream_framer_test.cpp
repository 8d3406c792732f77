#include "turnkeeper/turn/stream_framer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace turnkeeper::turn {
namespace {

std::string as_text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string stun(std::size_t software) {
  const auto message = MessageBuilder(Method::binding, MessageClass::success, random_transaction_id())
                           .text(AttributeType::software, std::string(software, 's'))
                           .finish();
  return as_text(message);
}

std::vector<std::string> all(StreamFramer& framer) {
  std::vector<std::string> messages;
  while (const auto message = framer.next()) messages.push_back(as_text(*message));
  return messages;
}

using Messages = std::vector<std::string>;

TEST(StreamFramer, MessagesAreTheSameHoweverTheStreamIsCut) {
  const std::string padded_data("\x40\x00\x00\x05hello\0\0\0", 12);
  const std::string empty_data("\x4F\xFF\x00\x00", 4);
  const Messages expected{stun(3), padded_data.substr(0, 9), empty_data, stun(100)};
  const std::string stream = expected[0] + padded_data + empty_data + expected[3];
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    StreamFramer framer;
    Messages messages;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      framer.push(as_bytes(stream.substr(at, piece)));
      for (auto& message : all(framer)) messages.push_back(std::move(message));
    }
    EXPECT_EQ(messages, expected) << "in pieces of " << piece;
    EXPECT_FALSE(framer.broken());
  }
}

TEST(StreamFramer, LargestMessageIsWhole) {
  std::string data("\x40\x00\xFF\xFF", 4);
  data += std::string(65535, 'd');
  StreamFramer framer;
  framer.push(as_bytes(data));
  EXPECT_EQ(framer.next(), std::nullopt) << "one byte of padding is to come";
  framer.push(as_bytes("\1"));
  EXPECT_EQ(all(framer), Messages{data});
}

TEST(StreamFramer, StrangersAreKnownEarly) {
  const std::string good = stun(4);
  std::string wrong_cookie = good;
  wrong_cookie[4] = 0;
  std::string odd_length = good;
  odd_length[3] = static_cast<char>(odd_length[3] + 1);
  for (const auto& stream :
       {std::string("220 mail"), std::string("\x16\x03\x01\x00\xA5\x01\x00\x00", 8), wrong_cookie.substr(0, 8),
        odd_length.substr(0, 4), std::string("\x50\x00\x00\x00", 4), std::string("\xFF\xFF\x00\x00", 4)}) {
    StreamFramer framer;
    framer.push(as_bytes(good + stream));
    EXPECT_EQ(all(framer), Messages{good});
    EXPECT_TRUE(framer.broken());
    framer.push(as_bytes(good));
    EXPECT_EQ(framer.next(), std::nullopt) << "nobody knows where a message begins";
  }
}

}  // namespace
}  // namespace turnkeeper::turn
