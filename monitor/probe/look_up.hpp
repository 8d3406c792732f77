// From a URI to the endpoints to probe: one look-up for however many probes.
//
//   const LookUp found = co_await look_up(resolver, *turn::Uri::parse("turn:turn.example.org"), deadline);
//   if (!found.endpoints) result = unresolved(uri, found, clock);
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "monitor/probe/probe_result.hpp"
#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/resolve.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::monitor {

struct LookUp {
  Result<std::vector<turn::Endpoint>> endpoints;  // best first; never empty
  std::chrono::nanoseconds took{0};
};

[[nodiscard]] boost::asio::awaitable<LookUp> look_up(std::shared_ptr<turn::Resolver> resolver, turn::Uri uri,
                                                     Deadline deadline, const Clock& clock);

// The result of a probe that ended there.
[[nodiscard]] ProbeResult unresolved(const turn::Uri& uri, const LookUp& failed, SystemTime now);

}  // namespace turnkeeper::monitor
