#include "monitor/probe/resolve.hpp"

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace turnkeeper::monitor {
namespace {

using boost::asio::ip::udp;

constexpr const char* advice = "check the relay's host name and this machine's resolver";

struct Lookup {
  Lookup(const boost::asio::any_io_executor& executor, std::function<void(Result<turn::SocketAddress>)> done_in)
      : resolver(executor), timer(executor), done(std::move(done_in)) {}

  void finish(Result<turn::SocketAddress> result) {
    if (!done) return;
    resolver.cancel();
    timer.cancel();
    std::exchange(done, nullptr)(std::move(result));
  }

  udp::resolver resolver;
  boost::asio::steady_timer timer;
  std::function<void(Result<turn::SocketAddress>)> done;
};

Result<turn::SocketAddress> first_address(const std::string& host, const udp::resolver::results_type& results) {
  if (results.empty()) return fail(host + " has no address", advice);
  const auto endpoint = results.begin()->endpoint();
  if (endpoint.address().is_v4()) return turn::SocketAddress(endpoint.address().to_v4().to_bytes(), endpoint.port());
  return turn::SocketAddress(endpoint.address().to_v6().to_bytes(), endpoint.port());
}

}  // namespace

void resolve(const boost::asio::any_io_executor& executor, const std::string& host, std::uint16_t port,
             Deadline deadline, std::function<void(Result<turn::SocketAddress>)> done) {
  if (auto literal = turn::SocketAddress::from_ip(host, port)) {
    boost::asio::post(executor, [done = std::move(done), address = *literal] { done(address); });
    return;
  }
  const auto lookup = std::make_shared<Lookup>(executor, std::move(done));
  lookup->timer.expires_at(deadline.at());
  lookup->timer.async_wait([lookup, host](const boost::system::error_code& error) {
    if (!error) lookup->finish(fail("no answer about " + host + " in time", advice));
  });
  lookup->resolver.async_resolve(
      host, std::to_string(port),
      [lookup, host](const boost::system::error_code& error, const udp::resolver::results_type& results) {
        lookup->finish(error ? fail(host + " does not resolve: " + error.message(), advice)
                             : first_address(host, results));
      });
}

}  // namespace turnkeeper::monitor
