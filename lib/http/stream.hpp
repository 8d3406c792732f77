// The sender's side of an event stream. One slot: what is not written yet is replaced by what comes next. Private to
// lib/http.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <optional>

#include "turnkeeper/http/event_stream.hpp"

namespace turnkeeper::http {

class Connection;

class Stream final : public EventStream, public std::enable_shared_from_this<Stream> {
 public:
  Stream(boost::asio::io_context::executor_type executor, std::weak_ptr<Connection> connection)
      : executor_(executor), connection_(std::move(connection)) {}

  // On the server's thread the event is written at once if the reader keeps up.
  void send(Event event) override;
  void close() override;
  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

  [[nodiscard]] std::optional<Event> take();
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool pending();
  // Has the connection look at this stream soon.
  void notify();
  // The callback usually holds what holds this stream, so it is let go.
  void finish();

 private:
  const boost::asio::io_context::executor_type executor_;
  const std::weak_ptr<Connection> connection_;
  std::function<void()> on_close_;
  std::mutex mutex_;
  std::unique_ptr<Event> newest_;
  std::atomic<bool> closed_ = false;
  std::atomic<bool> notified_ = false;
};

}  // namespace turnkeeper::http
