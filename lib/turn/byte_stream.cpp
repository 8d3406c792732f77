#include "turnkeeper/turn/byte_stream.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <vector>

namespace turnkeeper::turn {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t most_backlog = 256 * 1024;

PathFailure to_path_failure(const error_code& error) {
  using Kind = PathFailure::Kind;
  if (error == asio::error::eof) return {Kind::closed, "the server closed the connection"};
  return PathFailure::of(error.value()).value_or(PathFailure{Kind::closed, error.message()});
}

}  // namespace

// Outlives the stream while a handler of Asio still refers to it.
struct ByteStream::State : std::enable_shared_from_this<ByteStream::State> {
  explicit State(asio::ip::tcp::socket connected) : socket(std::move(connected)) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  void receive() {
    reading = true;
    socket.async_read_some(asio::buffer(buffer),
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             self->reading = false;
                             if (!self->open) return;
                             if (error) return self->end(to_path_failure(error));
                             // A copy: the callback may destroy the stream or start it anew.
                             if (const auto current = self->handlers)
                               current->on_bytes(Bytes(self->buffer).first(size));
                             if (self->open && self->handlers && !self->reading) self->receive();
                           });
  }

  void send(Bytes bytes) {
    if (!open) return;
    if (unsent.empty()) {
      error_code error;
      const std::size_t sent = socket.write_some(asio::buffer(bytes.data(), bytes.size()), error);
      if (error && error != asio::error::would_block && error != asio::error::try_again) return end_later(error);
      bytes = bytes.subspan(sent);
      if (bytes.empty()) return;
    }
    if (unsent.size() - sent_of_unsent + bytes.size() > most_backlog) {
      return end_later(asio::error::no_buffer_space);
    }
    unsent.erase(unsent.begin(), unsent.begin() + static_cast<std::ptrdiff_t>(sent_of_unsent));
    sent_of_unsent = 0;
    unsent.insert(unsent.end(), bytes.begin(), bytes.end());
    if (!waiting_to_write) wait_to_write();
  }

  void wait_to_write() {
    waiting_to_write = true;
    socket.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](const error_code& error) {
      self->waiting_to_write = false;
      if (self->open) error ? self->end(to_path_failure(error)) : self->flush();
    });
  }

  void flush() {
    error_code error;
    sent_of_unsent += socket.write_some(asio::buffer(unsent) + sent_of_unsent, error);
    if (error && error != asio::error::would_block && error != asio::error::try_again) {
      return end(to_path_failure(error));
    }
    if (sent_of_unsent < unsent.size()) return wait_to_write();
    unsent.clear();
    sent_of_unsent = 0;
  }

  void end_later(const error_code& error) {
    asio::post(socket.get_executor(), [self = shared_from_this(), error] {
      if (!self->open) return;
      self->end(error == asio::error::no_buffer_space
                    ? PathFailure{PathFailure::Kind::closed, "the server does not take what it is sent"}
                    : to_path_failure(error));
    });
  }

  void end(const PathFailure& failure) {
    close();
    if (const auto current = handlers) current->on_end(failure);
  }

  void close() {
    if (!std::exchange(open, false)) return;
    error_code ignored;
    // Closing on unread input would make the kernel reset the connection, and the server might then lose what it was
    // sent last.
    for (int i = 0; i < 16 && !ignored; ++i) socket.read_some(asio::buffer(buffer), ignored);
    socket.close(ignored);
  }

  asio::ip::tcp::socket socket;
  std::shared_ptr<const Handlers> handlers;
  std::array<std::uint8_t, 16384> buffer;
  std::vector<std::uint8_t> unsent;
  std::size_t sent_of_unsent = 0;
  bool reading = false;
  bool waiting_to_write = false;
  bool open = true;
};

ByteStream::ByteStream(asio::ip::tcp::socket connected) : state_(std::make_shared<State>(std::move(connected))) {}

ByteStream::~ByteStream() {
  state_->close();
}

void ByteStream::start(Handlers handlers) {
  state_->handlers = std::make_shared<const Handlers>(std::move(handlers));
  if (!state_->reading) state_->receive();
}

void ByteStream::stop() {
  state_->handlers = nullptr;
}

void ByteStream::send(Bytes bytes) {
  state_->send(bytes);
}

std::size_t ByteStream::backlog() const {
  return state_->unsent.size() - state_->sent_of_unsent;
}

}  // namespace turnkeeper::turn
