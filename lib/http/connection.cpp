#include "turnkeeper/http/connection.hpp"

#include <sys/socket.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>

#include "turnkeeper/base/encoding.hpp"
#include "turnkeeper/base/log.hpp"
#include "turnkeeper/http/sse.hpp"

namespace turnkeeper::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

Result<Request> to_request(const beast::http::request<beast::http::string_body>& from, const Peer& peer) {
  Request request;
  request.method = view(from.method_string());
  request.body = from.body();
  request.peer = peer.text;
  request.loopback = peer.loopback;
  for (const auto& field : from) {
    std::string& value = request.headers[lower(view(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += view(field.value());
  }
  if (from.version() >= 11 && !request.headers.contains("host")) return fail("an HTTP/1.1 request needs a Host header");

  std::string_view target = view(from.target());
  if (target.starts_with("http://")) {  // absolute-form, RFC 9112 section 3.2.2
    target.remove_prefix(std::min(target.find('/', 7), target.size()));
  }
  if (!target.starts_with('/')) return fail("the request target is not a path", "start it with /");
  const auto question = target.find('?');
  auto path = percent_decode(target.substr(0, question));
  if (!path) return fail("the path is not percent-encoded properly", "write a literal % as %25");
  request.path = std::move(*path);
  if (question != std::string_view::npos) {
    auto query = parse_query(target.substr(question + 1));
    if (!query) return fail(query.error());
    request.query = std::move(*query);
  }
  return request;
}

// Nothing: the peer went away or was too slow, so there is nobody to answer.
std::optional<Response> refusal_for(const error_code& why, const Limits& limits) {
  using beast::http::error;
  if (why == error::header_limit || why == error::buffer_overflow) {
    return Response::problem(431, {"the header is larger than " + std::to_string(limits.header_bytes) + " bytes", ""});
  }
  if (why == error::body_limit) {
    return Response::problem(413, {"the body is larger than " + std::to_string(limits.body_bytes) + " bytes", ""});
  }
  const bool malformed = why.category() == beast::http::make_error_code(error::bad_method).category();
  if (!malformed || why == error::end_of_stream || why == error::partial_message) return std::nullopt;
  return Response::problem(400, {"this is no HTTP/1.1 request: " + why.message(), ""});
}

}  // namespace

// The sender's side of a stream. One slot: what is not written yet is replaced by what comes next.
class PendingEvents final : public EventStream, public std::enable_shared_from_this<PendingEvents> {
 public:
  PendingEvents(asio::any_io_executor executor, std::weak_ptr<Connection> connection)
      : executor_(std::move(executor)), connection_(std::move(connection)) {}

  void send(Event event) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    newest_ = std::move(event);
    notify();
  }

  void close() override {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    notify();
  }

  void on_close(std::function<void()> callback) override { on_close_ = std::move(callback); }

  [[nodiscard]] std::optional<Event> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(newest_, std::nullopt);
  }

  [[nodiscard]] bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

  // The callback usually holds what holds this stream, so it is let go.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      newest_.reset();
    }
    if (const auto callback = std::exchange(on_close_, nullptr)) callback();
  }

 private:
  // One wake-up at a time: a sender that is faster than the io_context queues nothing there.
  void notify() {
    if (std::exchange(notified_, true)) return;
    asio::post(executor_, [self = shared_from_this()] {
      {
        const std::lock_guard lock(self->mutex_);
        self->notified_ = false;
      }
      if (const auto connection = self->connection_.lock()) connection->wake();
    });
  }

  const asio::any_io_executor executor_;
  const std::weak_ptr<Connection> connection_;
  std::function<void()> on_close_;
  mutable std::mutex mutex_;
  std::optional<Event> newest_;
  bool closed_ = false;
  bool notified_ = false;
};

Connection::Connection(Socket socket, std::shared_ptr<const Service> service)
    : stream_(std::move(socket)),
      service_(std::move(service)),
      wake_(stream_.get_executor()),
      // Room for a whole header and the start of what follows it.
      buffer_(service_->limits.header_bytes + 8 * 1024) {
  error_code ignored;
  const auto remote = stream_.socket().remote_endpoint(ignored);
  if (!ignored) peer_ = describe_peer(remote);
}

void Connection::start(std::function<void()> done) {
  done_ = std::move(done);
  asio::co_spawn(
      stream_.get_executor(), [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void Connection::stop() {
  stopping_ = true;
  if (!writing_) cut();
}

void Connection::cut() {
  stopping_ = true;
  stream_.close();
  wake_.cancel();
}

Connection::awaitable<void> Connection::run() {
  // The loop's own reference: done_ lets go of the server's.
  const auto self = shared_from_this();
  try {
    while (!stopping_ && co_await serve_one()) first_ = false;
  } catch (const std::exception& error) {
    log::error("a request handler failed", {{"peer", peer_.text}, {"error", error.what()}});
  }
  stream_.close();
  if (const auto done = std::exchange(done_, nullptr)) done();
}

Connection::awaitable<bool> Connection::serve_one() {
  Parser parser;
  if (!co_await read_request(parser)) co_return false;
  const auto& message = parser.get();
  auto request = to_request(message, peer_);
  // Here and below: no temporaries and no ?: around co_await, which GCC 12 destroys twice (bug 99576 and its kin).
  if (!request) {
    const Response refusal = Response::problem(400, request.error());
    co_return co_await refuse(refusal);
  }

  const bool keep_alive = message.keep_alive();
  const auto match = service_->router.match(*request);
  if (match.events != nullptr) co_return co_await stream(*match.events, *request, message.version(), keep_alive);
  Response response = match.refusal;
  if (match.handler != nullptr) response = co_await answer(*match.handler, *request);
  if (stopping_ && !stream_.socket().is_open()) co_return false;
  co_return co_await write(response, message.version(), keep_alive && !stopping_, request->method == "HEAD");
}

Connection::awaitable<bool> Connection::read_request(Parser& parser) {
  const Limits& limits = service_->limits;
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
  error_code error;
  if (buffer_.size() == 0) {
    stream_.expires_after(first_ ? limits.request_timeout : limits.idle_timeout);
    const auto count = co_await stream_.async_read_some(buffer_.prepare(1024), into(error));
    if (error) co_return false;
    buffer_.commit(count);
  }
  // One expiry for the whole request, however slowly its bytes trickle in.
  stream_.expires_after(limits.request_timeout);
  co_await beast::http::async_read(stream_, buffer_, parser, into(error));
  if (!error) co_return true;
  if (const auto response = refusal_for(error, limits)) co_await refuse(*response);
  co_return false;
}

Connection::awaitable<Response> Connection::answer(const DeferredHandler& handler, const Request& request) {
  struct Slot {
    std::mutex mutex;
    std::optional<Response> response;
  };
  const auto slot = std::make_shared<Slot>();
  const auto arrived = [slot] {
    const std::lock_guard lock(slot->mutex);
    return slot->response.has_value();
  };
  std::optional<Response> failed;
  try {
    handler(request, [slot, weak = weak_from_this(), executor = stream_.get_executor()](Response response) {
      {
        const std::lock_guard lock(slot->mutex);
        if (slot->response) return;
        slot->response = std::move(response);
      }
      asio::post(executor, [weak] {
        if (const auto connection = weak.lock()) connection->wake();
      });
    });
  } catch (const std::exception& error) {
    log::error("a request handler failed", {{"path", request.path}, {"error", error.what()}});
    failed = Response::problem(500, {"the server failed to answer", "its log says why"});
  }
  if (failed) co_return *failed;
  while (!arrived() && !stopping_) {
    error_code cancelled;
    wake_.expires_at(asio::steady_timer::time_point::max());
    co_await wake_.async_wait(into(cancelled));
  }
  if (!arrived()) co_return Response::problem(503, {"the server is stopping", "ask again later"});
  const std::lock_guard lock(slot->mutex);
  co_return std::move(*slot->response);
}

Connection::awaitable<bool> Connection::write(const Response& response, unsigned version, bool keep_alive, bool head) {
  beast::http::response<beast::http::string_body> message;
  message.version(version);
  message.result(static_cast<unsigned>(response.status));
  message.set(beast::http::field::content_type, response.content_type);
  message.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  message.keep_alive(keep_alive);
  message.content_length(response.body.size());
  if (!head) message.body() = response.body;

  error_code error;
  writing_ = true;
  stream_.expires_after(service_->limits.write_timeout);
  beast::http::response_serializer<beast::http::string_body> serializer(message);
  if (head) {
    co_await beast::http::async_write_header(stream_, serializer, into(error));
  } else {
    co_await beast::http::async_write(stream_, serializer, into(error));
  }
  writing_ = false;
  co_return !error && keep_alive;
}

Connection::awaitable<bool> Connection::refuse(const Response& response) {
  co_await write(response, 11, false, false);
  // Closing while unread bytes lie in the socket resets the connection, and the answer may be lost with it.
  error_code error;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
  stream_.expires_after(std::min(service_->limits.request_timeout, std::chrono::milliseconds(1000)));
  std::array<char, 4096> rest{};
  for (int chunks = 0; !error && chunks < 64 && !stopping_; ++chunks) {
    co_await stream_.async_read_some(asio::buffer(rest), into(error));
  }
  co_return false;
}

Connection::awaitable<bool> Connection::stream(const EventHandler& handler, const Request& request, unsigned version,
                                               bool keep_alive) {
  const auto events = std::make_shared<PendingEvents>(stream_.get_executor(), weak_from_this());
  std::optional<Response> refusal;
  try {
    refusal = handler(request, events);
  } catch (const std::exception& error) {
    log::error("a request handler failed", {{"path", request.path}, {"error", error.what()}});
    refusal = Response::problem(500, {"the server failed to answer", "its log says why"});
  }
  if (refusal) {
    events->finish();
    co_return co_await write(*refusal, version, keep_alive, false);
  }
  asio::co_spawn(
      stream_.get_executor(), [self = shared_from_this(), events] { return self->watch_peer(events); }, asio::detached);
  co_await write_events(*events);
  events->finish();
  co_return false;
}

Connection::awaitable<void> Connection::write_events(PendingEvents& events) {
  // The end of the connection is the end of the body; no proxy may keep or gather any of it.
  std::string text =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
      "X-Accel-Buffering: no\r\nConnection: close\r\n\r\nretry: 1000\n\n";
  if (!co_await write_text(text)) co_return;
  while (!stopping_) {
    if (const auto event = events.take()) {
      text = render_event(*event);
      if (!co_await write_text(text)) co_return;
      continue;
    }
    if (events.closed()) co_return;
    error_code woken;
    wake_.expires_after(service_->limits.heartbeat);
    co_await wake_.async_wait(into(woken));
    if (woken) continue;
    text = ": heartbeat\n\n";
    if (!co_await write_text(text)) co_return;
  }
}

Connection::awaitable<bool> Connection::write_text(const std::string& text) {
  error_code error;
  stream_.expires_after(service_->limits.write_timeout);
  co_await asio::async_write(stream_, asio::buffer(text), into(error));
  co_return !error;
}

// A stream that has nothing to say would not notice that its reader has gone.
Connection::awaitable<void> Connection::watch_peer(std::shared_ptr<PendingEvents> events) {
  error_code error;
  co_await stream_.socket().async_wait(asio::socket_base::wait_read, into(error));
  if (error || !stream_.socket().is_open()) co_return;
  char byte = 0;
  const auto got = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) co_return;  // a client that talks on is still there
  events->close();
  cut();
}

}  // namespace turnkeeper::http
