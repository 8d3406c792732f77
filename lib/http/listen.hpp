// Opens the listening socket of a server. Private to lib/http.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <string>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::http {

// Both kinds of socket, TCP and unix, under one type.
using StreamProtocol = boost::asio::generic::stream_protocol;
using Acceptor = boost::asio::basic_socket_acceptor<StreamProtocol>;

struct Listener {
  Acceptor acceptor;
  std::string address;  // as Server::address() says
  std::uint16_t port = 0;
  std::string unix_path;  // to remove at the end; empty for TCP
};

[[nodiscard]] Result<Listener> open_listener(boost::asio::io_context& io, const std::string& address);

// A socket address as text: "192.0.2.1:3478", "[::1]:80", "unix".
struct Peer {
  std::string text;
  std::string host;  // without the port
  bool loopback = false;
};
[[nodiscard]] Peer describe_peer(const StreamProtocol::endpoint& endpoint);

}  // namespace turnkeeper::http
