// A TURN or STUN URI as endpoints: where RFC 5928 says that its servers are, asked of DNS without ever blocking a
// thread.
//
//   Resolver resolver(executor);
//   resolver.resolve(*Uri::parse("turn:example.org"), Deadline::after(real_clock(), 2s),
//                    [](Result<std::vector<Endpoint>> endpoints) { ... });
//
// A literal address asks nobody. A name with a port is looked up as A and AAAA. A name without one goes by NAPTR (where
// the URI leaves the transport open too), then SRV, then A and AAAA with the default port. /etc/hosts and the search
// domains of /etc/resolv.conf count, both read anew each time.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/turn/endpoint.hpp"
#include "turnkeeper/turn/uri.hpp"

namespace turnkeeper::turn {

class Resolver {
 public:
  struct Options {
    std::vector<SocketAddress> nameservers = {};  // empty: those of /etc/resolv.conf
    const Clock* clock = &real_clock();           // its steady time must be the machine's
  };

  explicit Resolver(boost::asio::any_io_executor executor) : Resolver(std::move(executor), Options{}) {}
  Resolver(boost::asio::any_io_executor executor, Options options);
  // Ends what is under way; calls nothing any more.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls `done` once, from the executor, never from within the call, at the deadline at the latest. All endpoints (64
  // at most), best first, no two alike; never an empty list. A URI without a transport gives udp and tcp (turn), udp
  // (stun) or tls (turns, stuns); dtls where the URI or a NAPTR record says so. `done` may destroy the resolver.
  void resolve(const Uri& uri, Deadline deadline, std::function<void(Result<std::vector<Endpoint>>)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace turnkeeper::turn
