// Between SocketAddress and Asio's endpoints. For this folder only.
#pragma once

#include <algorithm>
#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/ip/address.hpp>

#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {

// An ip::udp::endpoint or ip::tcp::endpoint.
template <class Endpoint>
[[nodiscard]] Endpoint to_socket_endpoint(const SocketAddress& address) {
  const auto copied = [&](auto bytes) {
    std::copy(address.ip().begin(), address.ip().end(), bytes.begin());
    return bytes;
  };
  if (address.family() == SocketAddress::Family::ipv4) {
    return {boost::asio::ip::address_v4(copied(boost::asio::ip::address_v4::bytes_type{})), address.port()};
  }
  return {boost::asio::ip::address_v6(copied(boost::asio::ip::address_v6::bytes_type{})), address.port()};
}

template <class Endpoint>
[[nodiscard]] SocketAddress from_socket_endpoint(const Endpoint& endpoint) {
  if (endpoint.address().is_v4()) return {endpoint.address().to_v4().to_bytes(), endpoint.port()};
  return {endpoint.address().to_v6().to_bytes(), endpoint.port()};
}

}  // namespace turnkeeper::turn
