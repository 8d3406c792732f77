// A relay's host as an address.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::monitor {

// Calls `done` once, from the executor, at the deadline at the latest: with the first address that the system's
// resolver gives. A literal address asks nobody. A resolver that hangs goes on holding a thread of its own after the
// deadline.
void resolve(const boost::asio::any_io_executor& executor, const std::string& host, std::uint16_t port,
             Deadline deadline, std::function<void(Result<turn::SocketAddress>)> done);

}  // namespace turnkeeper::monitor
