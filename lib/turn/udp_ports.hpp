// TURN over UDP for very many relays at a time: a few unconnected sockets shared by all clients. An allocation belongs
// to a 5-tuple (RFC 8656 section 2.2), so one local port serves one client of each server; a thousand canaries on a
// thousand relays share one socket, one wake-up and one system call. Whoever wants a flow of its own, as a probe does,
// opens a connected socket instead (udp_transport.hpp).
//
//   UdpPorts ports(io.get_executor());
//   auto transport = ports.open(*SocketAddress::parse("192.0.2.1:3478"));   // Result<std::unique_ptr<Transport>>
//   Session session(io.get_executor(), clock, std::move(*transport), ...);
//
// What is sent during one turn of the loop leaves together at the end of the turn, in order (sendmmsg); what arrives is
// received in batches (recvmmsg) and goes to the client of the address and port it came from, nobody else. ICMP errors
// reach the client whose datagram they are about (IP_RECVERR). In the steady state nothing here takes memory.
//
// A port that a client gave up is not used towards the same server again for 75 seconds: relays hold the 5-tuple for a
// moment and refuse it (437), and coturn binds it to the first user name for a minute, refused credentials included.
//
// Everything happens on the executor, which must not run on several threads at once. Transports may outlive the
// UdpPorts. Datagrams of more than 2,048 bytes are dropped when they arrive.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

class UdpPorts {
 public:
  struct Options {
    // So many clients of one server may exist at the same time. Sockets are opened when they are needed.
    std::size_t ports_per_family = 32;
    const Clock* clock = &real_clock();  // for the 75 seconds; outlives the ports
  };

  explicit UdpPorts(const boost::asio::any_io_executor& executor);
  UdpPorts(const boost::asio::any_io_executor& executor, Options options);
  ~UdpPorts();
  UdpPorts(const UdpPorts&) = delete;
  UdpPorts& operator=(const UdpPorts&) = delete;

  // Needs no system call but for the first client of a port. Errors: no socket to be had, or every port is in use
  // towards this server. That there is no route is told by on_unreachable after the first send. Its local() has the
  // port, and the unspecified address: which one is used is decided with each datagram.
  [[nodiscard]] Result<std::unique_ptr<Transport>> open(const SocketAddress& server);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace turnkeeper::turn
