#include "turnkeeper/http/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "turnkeeper/base/log.hpp"
#include "turnkeeper/base/random.hpp"
#include "turnkeeper/http/sse.hpp"

namespace turnkeeper::http {
namespace {

constexpr std::size_t input_size = 64 * 1024;
constexpr std::size_t parsers_kept = 16;
constexpr std::size_t output_at_once = 256 * 1024;  // of pipelined answers, before the client has to read some
constexpr std::uint8_t most_discarded = 64;         // reads, of what follows a request that was refused

// Reconnections after a server's end are spread over a second.
std::string retry_advice() {
  return "retry: " + std::to_string(500 + static_cast<int>(random_unit() * 1001)) + "\n\n";
}

}  // namespace

Service::Service(boost::asio::io_context& io, Router routes, const Limits& how)
    : executor(io.get_executor()),
      router(std::move(routes)),
      limits(how),
      poller(std::make_shared<Poller>(io)),
      deadlines(std::make_shared<Deadlines>(io, how)),
      input(input_size) {}

std::unique_ptr<RequestParser> Service::parser() {
  if (parsers.empty()) return std::make_unique<RequestParser>(limits);
  auto parser = std::move(parsers.back());
  parsers.pop_back();
  return parser;
}

void Service::give_back(std::unique_ptr<RequestParser> parser) {
  if (parsers.size() == parsers_kept || parser->bloated()) return;
  parser->reset();
  parsers.push_back(std::move(parser));
}

std::shared_ptr<Connection> Connection::open(std::shared_ptr<Service> service, int fd, Peer peer, SSL_CTX* context) {
  std::shared_ptr<Connection> connection(new Connection(std::move(service), fd, std::move(peer), context));
  connection->watched_ = EPOLLIN;
  if (!connection->service_->poller->add(fd, *connection, EPOLLIN)) {
    connection->state_ = State::closed;
    return nullptr;
  }
  connection->self_ = connection;
  Service& shared = *connection->service_;
  ++shared.connections;
  ++shared.clients[connection->peer_.host];
  shared.deadlines->set(*connection, Wait::request);
  return connection;
}

Connection::Connection(std::shared_ptr<Service> service, int fd, Peer peer, SSL_CTX* context)
    : service_(std::move(service)), peer_(std::move(peer)), fd_(fd) {
  if (context == nullptr) return;
  tls_ = std::make_unique<TlsSession>(*context, fd);
  state_ = State::handshake;
}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

void Connection::stop() {
  close_after_ = true;
  if (output_.empty() || state_ == State::streaming) close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  const auto self = std::exchange(self_, nullptr);
  if (tls_ && output_.empty()) tls_->close_notify();
  state_ = State::closed;
  service_->poller->remove(fd_, *this);
  Deadlines::clear(*this);
  ConnectionHook::unlink();
  ::close(std::exchange(fd_, -1));
  if (const auto count = service_->clients.find(peer_.host); --count->second == 0) service_->clients.erase(count);
  --service_->connections;
  if (const auto stream = std::exchange(stream_, nullptr)) stream->finish();
  if (service_->connections == 0 && service_->on_empty) service_->on_empty();
}

void Connection::on_ready(std::uint32_t events) {
  const auto self = shared_from_this();
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close();
  tls_waits_to_write_ = false;
  if (!output_.empty()) {
    if ((events & EPOLLOUT) != 0) flush();
    if (state_ == State::reading && output_.empty()) resume();
    return;
  }
  switch (state_) {
    case State::handshake:
      return handshake();
    case State::reading:
      return read();
    case State::streaming:
      if ((events & EPOLLRDHUP) != 0) close();
      return;
    case State::lingering:
      return discard();
    case State::answering:
    case State::closed:
      return;
  }
}

void Connection::on_due(Wait wait) {
  const auto self = shared_from_this();
  if (wait != Wait::heartbeat) return close();
  std::string text = ": heartbeat\n\n";
  send(text);
}

void Connection::handshake() {
  const auto result = tls_->handshake();
  if (result == Io::closed) return close();
  if (result == Io::done) {
    state_ = State::reading;
    return read();
  }
  tls_waits_to_write_ = result == Io::wait_write;
  watch();
}

void Connection::read() {
  while (state_ == State::reading && output_.empty()) {
    std::size_t count = 0;
    const auto result = read_some(service_->input, count);
    if (result == Io::closed) return close();
    if (result != Io::done) {
      tls_waits_to_write_ = result == Io::wait_write;
      break;
    }
    take({service_->input.data(), count});
    // The kernel has no more; TLS may have.
    if (!tls_ && count < service_->input.size()) break;
  }
  watch();
}

// Goes on with what came while an answer was made or written.
void Connection::resume() {
  if (!input_.empty()) take({});
  read();
}

void Connection::take(std::string_view bytes) {
  std::string held;
  if (!input_.empty()) {
    held = std::exchange(input_, {});
    held += bytes;
    bytes = held;
  }
  std::string out = std::move(service_->output);
  out.clear();
  while (!bytes.empty() && state_ == State::reading && !close_after_ && output_.empty()) {
    const bool begins = parser_ == nullptr;
    auto parser = begins ? service_->parser() : std::move(parser_);
    const auto state = parser->feed(bytes);
    if (state == RequestParser::State::more) {
      // One wait for the whole request, however slowly its bytes trickle in.
      if (begins) service_->deadlines->set(*this, Wait::request);
      if (parser->take_expectation()) out += "HTTP/1.1 100 Continue\r\n\r\n";
      parser_ = std::move(parser);
      break;
    }
    if (state == RequestParser::State::complete) {
      serve(*parser, out);
    } else {
      refuse(parser->refusal(), out);
    }
    service_->give_back(std::move(parser));
    if (out.size() > output_at_once) send(out);
  }
  const bool goes_on = state_ == State::reading || state_ == State::answering;
  if (goes_on && close_after_) {
    linger_after_ = linger_after_ || !bytes.empty();
  } else if (goes_on) {
    input_ = bytes;
  }
  send(out);
  service_->output = std::move(out);
}

void Connection::serve(RequestParser& parser, std::string& out) {
  Request& request = parser.request();
  request.peer = peer_.text;
  request.loopback = peer_.loopback;
  framing_ = {.version = parser.version(), .keep_alive = parser.keep_alive(), .head = request.method == "HEAD"};
  auto match = service_->router.match(request);
  headers_ = std::move(match.headers);
  try {
    if (match.handler != nullptr) {
      respond((*match.handler)(request), out);
    } else if (match.deferred != nullptr) {
      call(*match.deferred, request, out);
    } else if (match.events != nullptr) {
      begin_stream(*match.events, request, out);
    } else {
      respond(*match.refusal, out);
    }
  } catch (const std::exception& error) {
    log::error("a request handler failed", {{"path", request.path}, {"error", error.what()}});
    if (state_ == State::closed) return;
    if (const auto stream = std::exchange(stream_, nullptr)) stream->finish();
    state_ = State::reading;
    respond(Response::problem(500, {"the server failed to answer", "its log says why"}), out);
  }
}

void Connection::respond(const Response& response, std::string& out) {
  if (state_ == State::closed) return;
  framing_.keep_alive = framing_.keep_alive && !close_after_;
  append_response(out, response, framing_, headers_);
  if (!framing_.keep_alive) close_after_ = true;
}

// The answer to what was no proper request; the client may still be sending the rest of it.
void Connection::refuse(const Response& response, std::string& out) {
  framing_ = {.version = 11, .keep_alive = false, .head = false};
  headers_.clear();
  linger_after_ = true;
  respond(response, out);
}

void Connection::call(const DeferredHandler& handler, const Request& request, std::string& out) {
  state_ = State::answering;
  send(out);
  struct Once {
    std::weak_ptr<Connection> connection;
    std::atomic<bool> done = false;
  };
  const auto once = std::make_shared<Once>();
  once->connection = weak_from_this();
  handler(request, [once, executor = service_->executor, question = ++questions_](Response response) {
    if (once->done.exchange(true)) return;
    boost::asio::post(executor, [once, question, response = std::move(response)] {
      if (const auto connection = once->connection.lock()) connection->answered(question, response);
    });
  });
}

void Connection::answered(std::uint32_t question, const Response& response) {
  if (state_ != State::answering || question != questions_) return;
  state_ = State::reading;
  std::string out;
  respond(response, out);
  send(out);
  if (state_ == State::reading && output_.empty()) resume();
}

void Connection::begin_stream(const EventHandler& handler, const Request& request, std::string& out) {
  const auto stream = std::make_shared<Stream>(service_->executor, weak_from_this());
  stream_ = stream;
  auto refusal = handler(request, stream);
  if (state_ == State::closed) return;
  if (refusal) {
    stream_.reset();
    stream->finish();
    return respond(*refusal, out);
  }
  state_ = State::streaming;
  append_stream_header(out, headers_);
  out += retry_advice();
  if (const auto event = stream->take()) out += render_event(*event);
}

void Connection::write_event(const Event& event) {
  std::string text = render_event(event);
  send(text);
}

void Connection::look_at_stream() {
  if (state_ != State::streaming || !output_.empty()) return;
  const auto self = shared_from_this();
  if (const auto event = stream_->take()) write_event(*event);
  if (state_ == State::streaming && output_.empty() && stream_->closed()) close();
}

void Connection::linger() {
  state_ = State::lingering;
  if (tls_) tls_->close_notify();
  ::shutdown(fd_, SHUT_WR);
  service_->deadlines->set(*this, Wait::linger);
  watch();
}

void Connection::discard() {
  for (; discarded_ < most_discarded; ++discarded_) {
    const auto count = ::recv(fd_, service_->input.data(), service_->input.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) break;
  }
  close();
}

void Connection::send(std::string& out) {
  if (state_ != State::closed && output_.empty()) {
    const auto count = write(out);
    output_.assign(out, count);
    after_write(true);
  } else if (state_ != State::closed) {
    output_ += out;
  }
  out.clear();
}

void Connection::flush() {
  output_.erase(0, write(output_));
  after_write(false);
}

// How many bytes are written, or need not be any more.
std::size_t Connection::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    std::size_t count = 0;
    const auto result = write_some(bytes.substr(done), count);
    if (result == Io::closed) {
      // Not at once: the caller may be walking over everybody's streams.
      boost::asio::post(service_->executor, [self = shared_from_this()] { self->close(); });
      return bytes.size();
    }
    if (result != Io::done) break;
    done += count;
  }
  return done;
}

void Connection::after_write(bool begins) {
  if (!output_.empty()) {
    if (begins) service_->deadlines->set(*this, Wait::write);
    return watch();
  }
  output_ = {};
  switch (state_) {
    case State::reading:
      if (close_after_) return linger_after_ ? linger() : close();
      if (!parser_) service_->deadlines->set(*this, Wait::idle);
      break;
    case State::answering:
      Deadlines::clear(*this);
      break;
    case State::streaming:
      service_->deadlines->set(*this, Wait::heartbeat);
      if (stream_->pending()) stream_->notify();
      break;
    case State::handshake:
    case State::lingering:
    case State::closed:
      return;
  }
  watch();
}

void Connection::watch() {
  std::uint32_t wanted = 0;
  if (state_ == State::closed) return;
  if (!output_.empty() || tls_waits_to_write_) {
    wanted = EPOLLOUT;
  } else if (state_ != State::answering && state_ != State::streaming) {
    wanted = EPOLLIN;
  }
  if (state_ == State::streaming) wanted |= EPOLLRDHUP;
  if (wanted == watched_) return;
  watched_ = wanted;
  service_->poller->change(fd_, *this, wanted);
}

Io Connection::read_some(std::span<char> into, std::size_t& count) {
  if (tls_) return tls_->read(into, count);
  const auto got = ::recv(fd_, into.data(), into.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Io::wait_read : Io::closed;
  count = static_cast<std::size_t>(got);
  return got == 0 ? Io::closed : Io::done;
}

Io Connection::write_some(std::string_view bytes, std::size_t& count) {
  if (tls_) return tls_->write(bytes, count);
  const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? Io::wait_write : Io::closed;
  count = static_cast<std::size_t>(sent);
  return Io::done;
}

}  // namespace turnkeeper::http
