#include "turnkeeper/http/stream.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "turnkeeper/http/connection.hpp"

namespace turnkeeper::http {

void Stream::send(Event event) {
  if (closed_) return;
  if (executor_.running_in_this_thread()) {
    const auto connection = connection_.lock();
    if (connection && connection->can_write_event()) {
      (void)take();
      connection->write_event(event);
      return;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    newest_ = std::make_unique<Event>(std::move(event));
  }
  notify();
}

void Stream::close() {
  if (!closed_.exchange(true)) notify();
}

std::optional<Event> Stream::take() {
  const std::lock_guard lock(mutex_);
  if (!newest_) return std::nullopt;
  return std::move(*std::exchange(newest_, nullptr));
}

bool Stream::pending() {
  const std::lock_guard lock(mutex_);
  return closed_ || newest_;
}

void Stream::finish() {
  closed_ = true;
  (void)take();
  if (const auto callback = std::exchange(on_close_, nullptr)) callback();
}

// One wake-up at a time: a sender that is faster than the io_context queues nothing there.
void Stream::notify() {
  if (notified_.exchange(true)) return;
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->notified_ = false;
    if (const auto connection = self->connection_.lock()) connection->look_at_stream();
  });
}

}  // namespace turnkeeper::http
