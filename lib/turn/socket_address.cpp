#include "turnkeeper/turn/socket_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace turnkeeper::turn {
namespace {

constexpr const char* advice = "write an address as 192.0.2.1:3478 or [2001:db8::1]:3478";

}  // namespace

SocketAddress::SocketAddress(const std::array<std::uint8_t, 4>& address, std::uint16_t port) : port_(port) {
  std::copy(address.begin(), address.end(), ip_.begin());
}

SocketAddress::SocketAddress(const std::array<std::uint8_t, 16>& address, std::uint16_t port)
    : family_(Family::ipv6), ip_(address), port_(port) {}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail("no port in \"" + std::string(text) + "\"", advice);
  const auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail("bad port in \"" + std::string(text) + "\"", advice);
  }
  if (host.find(':') != std::string_view::npos && !host.starts_with('[')) {
    return fail("an IPv6 address without brackets: \"" + std::string(text) + "\"", advice);
  }
  return from_ip(host, port);
}

Result<SocketAddress> SocketAddress::from_ip(std::string_view address, std::uint16_t port) {
  std::string ip(address);
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
    ip = ip.substr(1, ip.size() - 2);
    if (ip.find(':') == std::string::npos) return fail("not an IPv6 address: \"" + ip + "\"", advice);
  }
  // inet_pton() reads up to the first NUL; the text may go on behind it.
  if (ip.find('\0') == std::string::npos) {
    std::array<std::uint8_t, 4> v4{};
    if (inet_pton(AF_INET, ip.c_str(), v4.data()) == 1) return SocketAddress(v4, port);
    std::array<std::uint8_t, 16> v6{};
    if (inet_pton(AF_INET6, ip.c_str(), v6.data()) == 1) return SocketAddress(v6, port);
  }
  return fail("not an IP address: \"" + ip + "\"", advice);
}

std::span<const std::uint8_t> SocketAddress::ip() const {
  return std::span(ip_).first(family_ == Family::ipv4 ? 4 : 16);
}

std::string SocketAddress::ip_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family_ == Family::ipv6) {
    inet_ntop(AF_INET6, ip_.data(), text, sizeof text);
    return text;
  }
  // inet_ntop() goes by way of printf().
  char* end = text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, text + sizeof text, ip_[i]).ptr;
  }
  return {text, end};
}

std::string SocketAddress::to_string() const {
  const auto port = std::to_string(port_);
  return family_ == Family::ipv4 ? ip_string() + ":" + port : "[" + ip_string() + "]:" + port;
}

}  // namespace turnkeeper::turn
