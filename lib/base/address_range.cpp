#include "turnkeeper/base/address_range.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace turnkeeper {
namespace {

constexpr const char* how_to_write = "write an address, a CIDR such as 10.0.0.0/8, or first-last";

using Bytes = std::array<std::uint8_t, 16>;

// Sets the `count` low bits of an address of `width` bits.
Bytes with_low_bits(Bytes bytes, int width, int count) {
  for (int bit = width - count; bit < width; ++bit) bytes[bit / 8] |= 0x80U >> (bit % 8);
  return bytes;
}

int trailing_zero_bits(const Bytes& bytes, int width) {
  int count = 0;
  while (count < width && (bytes[(width - 1 - count) / 8] >> (count % 8) & 1) == 0) ++count;
  return count;
}

// False when it wraps to zero.
bool increment(Bytes& bytes, int width) {
  for (int at = width / 8 - 1; at >= 0; --at) {
    if (++bytes[at] != 0) return true;
  }
  return false;
}

int width_of(const IpAddress& address) {
  return address.v6 ? 128 : 32;
}

}  // namespace

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out.data(), out.size());
  return out.data();
}

Result<IpAddress> parse_address(std::string_view text) {
  const std::string literal(text);
  IpAddress address;
  address.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, literal.c_str(), address.bytes.data()) != 1 ||
      literal.find('\0') != std::string::npos) {
    return fail("\"" + literal + "\" is not an IP address", "write it as a literal, such as 192.0.2.1 or 2001:db8::1");
  }
  return address;
}

bool is_loopback(const IpAddress& address) {
  if (!address.v6) return address.bytes[0] == 127;
  Bytes one{};
  one[15] = 1;
  return address.bytes == one;
}

bool AddressRange::contains(const IpAddress& address) const {
  return address.v6 == first.v6 && first.bytes <= address.bytes && address.bytes <= last.bytes;
}

std::string AddressRange::text() const {
  return first == last ? first.text() : first.text() + "-" + last.text();
}

Result<AddressRange> parse_range(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return fail("\"" + std::string(text) + "\" is not an address range: " + why, how_to_write);
  };
  const std::size_t separator = text.find_first_of("-/");
  auto first = parse_address(text.substr(0, separator));
  if (!first) return wrong(first.error().message);
  if (separator == std::string_view::npos) return AddressRange{*first, *first};
  const std::string_view rest = text.substr(separator + 1);
  if (text[separator] == '-') {
    auto last = parse_address(rest);
    if (!last) return wrong(last.error().message);
    if (last->v6 != first->v6) return wrong("its ends are of different families");
    if (last->bytes < first->bytes) return wrong("it ends before it begins");
    return AddressRange{*first, *last};
  }
  int prefix = 0;
  const int width = width_of(*first);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), prefix);
  if (error != std::errc() || end != rest.data() + rest.size() || prefix < 0 || prefix > width) {
    return wrong("the prefix length must be from 0 to " + std::to_string(width));
  }
  if (trailing_zero_bits(first->bytes, width) < width - prefix) return wrong("bits are set after the prefix");
  return AddressRange{*first, IpAddress{first->v6, with_low_bits(first->bytes, width, width - prefix)}};
}

std::vector<AddressRange> cidr_blocks(const AddressRange& range) {
  std::vector<AddressRange> blocks;
  IpAddress first = range.first;
  const int width = width_of(first);
  while (first.bytes <= range.last.bytes) {
    int free_bits = trailing_zero_bits(first.bytes, width);
    IpAddress last{first.v6, with_low_bits(first.bytes, width, free_bits)};
    while (last.bytes > range.last.bytes) last.bytes = with_low_bits(first.bytes, width, --free_bits);
    blocks.push_back({first, last});
    first.bytes = last.bytes;
    if (!increment(first.bytes, width)) break;
  }
  return blocks;
}

}  // namespace turnkeeper
