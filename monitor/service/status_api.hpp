// GET /, GET /api/relays and GET /api/events: what people and turnctl look at.
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
  StatusApi(const boost::asio::any_io_executor& executor, std::function<Status()> status);

  void add_routes(http::Router& router);

 private:
  void follow(const std::shared_ptr<http::EventStream>& stream);
  void tick();

  std::function<Status()> status_;
  boost::asio::steady_timer timer_;
  std::map<std::uint64_t, std::shared_ptr<http::EventStream>> streams_;
  std::uint64_t last_stream_ = 0;
  std::string last_sent_;
  // Timers and streams may end after this object has gone.
  std::shared_ptr<StatusApi*> alive_ = std::make_shared<StatusApi*>(this);
};

}  // namespace turnkeeper::monitor
