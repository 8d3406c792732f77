#include "monitor/service/status_api.hpp"

#include <algorithm>

#include "monitor/web/status_page.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto shortest_interval = std::chrono::milliseconds(500);
// A large fleet's picture is large: what a viewer costs stays small.
constexpr auto interval_per_kilobyte = std::chrono::milliseconds(3);

http::Response fresh_json(std::string body) {
  auto response = http::Response::json(std::move(body));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

StatusApi::StatusApi(const boost::asio::any_io_executor& executor, std::function<Status()> status, Past past)
    : status_(std::move(status)), past_(std::move(past)), timer_(executor) {}

void StatusApi::add_routes(http::Router& router) {
  router.get("/status.css", [](const http::Request&) { return status_style(); });
  router.get("/status.js", [](const http::Request&) { return status_script(); });
  router.get("/api/relays", [this](const http::Request&) { return fresh_json(status_json(status_())); });
  router.get("/api/history", [this](const http::Request& request) { return history(request); });
  router.events("/api/events", [this](const http::Request&, const std::shared_ptr<http::EventStream>& stream) {
    follow(stream);
    return std::nullopt;
  });
}

http::Response StatusApi::history(const http::Request& request) const {
  const auto cluster = request.field("cluster");
  const auto region = request.field("region");
  if (!cluster || !region) {
    return http::Response::problem(400, {"the request names no region", "add cluster=NAME&region=NAME"});
  }
  return fresh_json(
      history_json(past_.fleet(), *past_.history, *cluster, *region, past_.clock->system(), past_.goal()));
}

void StatusApi::follow(const std::shared_ptr<http::EventStream>& stream) {
  const auto id = ++last_stream_;
  streams_.emplace(id, stream);
  stream->on_close([weak = std::weak_ptr(alive_), id] {
    if (const auto alive = weak.lock()) (*alive)->streams_.erase(id);
  });
  stream->send({.name = "relays", .id = "", .data = status_json(status_())});
  if (streams_.size() == 1) tick();
}

void StatusApi::tick() {
  if (streams_.empty()) return;
  if (auto now = status_json(status_()); now != last_sent_) {
    last_sent_ = std::move(now);
    for (const auto& [id, stream] : streams_) stream->send({.name = "relays", .id = "", .data = last_sent_});
  }
  timer_.expires_after(std::max<std::chrono::milliseconds>(
      shortest_interval, interval_per_kilobyte * static_cast<int>(last_sent_.size() / 1024)));
  timer_.async_wait([weak = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    const auto alive = weak.lock();
    if (!error && alive) (*alive)->tick();
  });
}

}  // namespace turnkeeper::monitor
