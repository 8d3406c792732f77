// GET /api/relays, GET /api/history and GET /api/events: what the status page and turnctl look at.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "monitor/web/status.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. It must outlive the router.
class StatusApi {
 public:
  struct Past {
    std::function<const Fleet&()> fleet;
    const History* history = nullptr;  // outlives this object
    std::function<double()> goal;      // percent of uptime
    const Clock* clock = nullptr;
  };

  StatusApi(const boost::asio::any_io_executor& executor, std::function<Status()> status, Past past);

  void add_routes(http::Router& router);

 private:
  void follow(const std::shared_ptr<http::EventStream>& stream);
  void tick();

  [[nodiscard]] http::Response history(const http::Request& request) const;

  std::function<Status()> status_;
  Past past_;
  boost::asio::steady_timer timer_;
  std::map<std::uint64_t, std::shared_ptr<http::EventStream>> streams_;
  std::uint64_t last_stream_ = 0;
  std::string last_sent_;
  // Timers and streams may end after this object has gone.
  std::shared_ptr<StatusApi*> alive_ = std::make_shared<StatusApi*>(this);
};

}  // namespace turnkeeper::monitor
