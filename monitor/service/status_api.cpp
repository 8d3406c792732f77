#include "monitor/service/status_api.hpp"

#include "monitor/web/status_page.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr auto update_interval = std::chrono::milliseconds(500);

}  // namespace

StatusApi::StatusApi(const boost::asio::any_io_executor& executor, std::function<Status()> status)
    : status_(std::move(status)), timer_(executor) {}

void StatusApi::add_routes(http::Router& router) {
  router.get("/", [](const http::Request&) { return status_page(); });
  router.get("/api/relays", [this](const http::Request&) {
    auto response = http::Response::json(status_json(status_()));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  });
  router.events("/api/events", [this](const http::Request&, const std::shared_ptr<http::EventStream>& stream) {
    follow(stream);
    return std::nullopt;
  });
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
  timer_.expires_after(update_interval);
  timer_.async_wait([weak = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    const auto alive = weak.lock();
    if (!error && alive) (*alive)->tick();
  });
}

}  // namespace turnkeeper::monitor
