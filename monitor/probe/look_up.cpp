#include "monitor/probe/look_up.hpp"

#include <boost/asio/this_coro.hpp>
#include <optional>

#include "monitor/probe/waiter.hpp"

namespace turnkeeper::monitor {

boost::asio::awaitable<LookUp> look_up(std::shared_ptr<turn::Resolver> resolver, turn::Uri uri, Deadline deadline,
                                       const Clock& clock) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto started = clock.steady();
  const auto waiter = std::make_shared<Waiter>(executor);
  const auto found = std::make_shared<std::optional<Result<std::vector<turn::Endpoint>>>>();
  resolver->resolve(uri, deadline, [waiter, found](Result<std::vector<turn::Endpoint>> endpoints) {
    *found = std::move(endpoints);
    waiter->wake();
  });
  // It ends by itself at the deadline.
  while (!*found) co_await waiter->wait(deadline);
  co_return LookUp{std::move(**found), clock.steady() - started};
}

ProbeResult unresolved(const turn::Uri& uri, const LookUp& failed, SystemTime now) {
  ProbeResult result;
  result.cause = api::Cause::dns;
  result.detail = failed.endpoints.error().message;
  result.phases.emplace_back(Phase::resolve, failed.took);
  result.total = failed.took;
  result.endpoint.protocol =
      uri.protocol().value_or(uri.scheme == turn::Uri::Scheme::turns ? turn::Protocol::tls : turn::Protocol::udp);
  result.finished = now;
  return result;
}

}  // namespace turnkeeper::monitor
