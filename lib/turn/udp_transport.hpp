// TURN over UDP: a connected socket on a fresh port, so that answers from elsewhere never arrive and ICMP errors do.
// The ports of an io_context go round: one comes up again after some 28,000 others.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <memory>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/transport.hpp"

namespace turnkeeper::turn {

// An error when there is no route to the server, or no socket to be had. Whole datagrams: nothing is cut into fragments
// on the way; what is too large for the path is lost, and whoever measures the path can see it.
[[nodiscard]] Result<std::unique_ptr<Transport>> open_udp(const boost::asio::any_io_executor& executor,
                                                          const SocketAddress& server, bool whole_datagrams = false);
// The same in the words of errno; nothing and an error.
[[nodiscard]] std::unique_ptr<Transport> open_udp(const boost::asio::any_io_executor& executor,
                                                  const SocketAddress& server, boost::system::error_code& error,
                                                  bool whole_datagrams = false);

}  // namespace turnkeeper::turn
