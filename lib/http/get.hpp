// One GET that blocks nobody: for what a program on one Asio thread asks of many servers, again and again.
//
//   get(executor, endpoint, "/v1/state", Deadline::after(clock, 2s), [](Result<ClientResponse> reply) { ... });
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::http {

// On a connection of its own, in the clear. Calls `done` once, from the executor, never from within the call, at the
// deadline at the latest; an answer of any status is one, as long as its body has at most 64 KiB. The deadline's clock
// must be the machine's. Nothing can be called back any more once the executor has stopped running.
void get(const boost::asio::any_io_executor& executor, const boost::asio::ip::tcp::endpoint& server, std::string target,
         Deadline deadline, std::function<void(Result<ClientResponse>)> done);

}  // namespace turnkeeper::http
