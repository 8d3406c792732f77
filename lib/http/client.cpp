#include "turnkeeper/http/client.hpp"

#include <utility>
// Asio 1.74 uses std::exchange in its coroutine headers without including this.
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>

#include "turnkeeper/http/listen.hpp"
#include "turnkeeper/http/message.hpp"
#include "turnkeeper/http/response_fields.hpp"
#include "turnkeeper/http/sse.hpp"

namespace turnkeeper::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::uint64_t kMaximumBody = 8 * 1024 * 1024;

struct Where {
  std::string host;  // for the Host header
  std::string port;
  std::string prefix;  // before every target
  std::string unix_path;
};

Result<Where> parse_where(const std::string& text) {
  if (text.starts_with("unix:")) return Where{"localhost", "", "", text.substr(5)};
  const std::string advice = "give it as http://HOST:PORT or unix:/path/of.sock";
  if (!text.starts_with("http://"))
    return fail("cannot connect to \"" + text + "\": not a URL that this client knows", advice);
  const std::string rest = text.substr(7);
  const auto slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  Where where;
  where.prefix = rest.substr(slash);
  while (where.prefix.ends_with('/')) where.prefix.pop_back();
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  where.host = authority.substr(0, has_port ? colon : std::string::npos);
  where.port = has_port ? authority.substr(colon + 1) : "80";
  if (where.host.empty() || where.port.empty())
    return fail("cannot connect to \"" + text + "\": host or port is missing", advice);
  return where;
}

// A connection whose steps run until they are done or the deadline has come.
class Wire {
 public:
  Result<void> connect(const std::string& text, Deadline deadline) {
    auto where = parse_where(text);
    if (!where) return fail(where.error());
    where_ = std::move(*where);
    name_ = text;
    std::vector<StreamProtocol::endpoint> endpoints;
    if (!where_.unix_path.empty()) {
      if (where_.unix_path.size() >= 108) return fail("cannot connect to " + name_ + ": the path is too long");
      endpoints.emplace_back(asio::local::stream_protocol::endpoint(where_.unix_path));
    } else {
      std::string host = where_.host;
      if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
      error_code error;
      asio::ip::tcp::resolver resolver(io_);
      for (const auto& found : resolver.resolve(host, where_.port, error)) endpoints.emplace_back(found.endpoint());
      if (error) return failed(error);
    }
    error_code last = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
      stream_.emplace(io_);
      stream_->async_connect(endpoint, [&](error_code result) { last = result; });
      run(deadline);
      if (!last) return {};
    }
    return failed(last);
  }

  // Starts an asynchronous operation with `begin(handler)` and runs it to its end.
  template <class Begin>
  error_code step(Deadline deadline, Begin begin) {
    error_code result = asio::error::timed_out;
    begin([&](error_code error, std::size_t) { result = error; });
    run(deadline);
    return result;
  }

  // The same, but the connection outlives the deadline: operation_aborted says that nothing came.
  template <class Begin>
  error_code step_or_cancel(Deadline deadline, Begin begin) {
    error_code result;
    begin([&](error_code error, std::size_t) { result = error; });
    io_.restart();
    io_.run_until(deadline.at());
    if (!io_.stopped()) {
      stream_->socket().cancel();
      io_.run();
    }
    return result;
  }

  [[nodiscard]] auto& stream() { return *stream_; }
  [[nodiscard]] beast::flat_buffer& buffer() { return buffer_; }
  [[nodiscard]] const Where& where() const { return where_; }

  [[nodiscard]] tl::unexpected<Error> failed(const error_code& error) const {
    const bool late =
        error == beast::error::timeout || error == asio::error::timed_out || error == asio::error::operation_aborted;
    if (late) return fail("no answer from " + name_ + " in time");
    return fail("cannot talk to " + name_ + ": " + error.message());
  }

 private:
  void run(Deadline deadline) {
    io_.restart();
    io_.run_until(deadline.at());
    if (io_.stopped()) return;
    stream_->close();  // its handlers refer to the caller's frame: let them come back
    io_.run();
  }

  asio::io_context io_{1};
  std::optional<beast::basic_stream<StreamProtocol>> stream_;
  beast::flat_buffer buffer_;
  Where where_;
  std::string name_;
};

beast::http::request<beast::http::string_body> to_message(const Where& where, const ClientRequest& request) {
  beast::http::request<beast::http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(where.prefix + request.target);
  message.set(beast::http::field::host, where.port.empty() ? where.host : where.host + ":" + where.port);
  message.set(beast::http::field::user_agent, "turnkeeper");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  if (!request.body.empty() || request.method == "POST") message.prepare_payload();
  return message;
}

Result<void> send(Wire& wire, const ClientRequest& request, bool keep_alive, Deadline deadline) {
  auto message = to_message(wire.where(), request);
  message.keep_alive(keep_alive);
  const auto error =
      wire.step(deadline, [&](auto handler) { beast::http::async_write(wire.stream(), message, handler); });
  if (error) return wire.failed(error);
  return {};
}

}  // namespace

Error ClientResponse::error() const {
  const auto problem = nlohmann::json::parse(body, nullptr, false);
  if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string()) {
    return {problem["detail"], problem.value("advice", "")};
  }
  return {std::to_string(status) + " " + status_text(status), ""};
}

Result<ClientResponse> fetch(const std::string& where, const ClientRequest& request, Deadline deadline) {
  Wire wire;
  if (auto connected = wire.connect(where, deadline); !connected) return fail(connected.error());
  if (auto sent = send(wire, request, false, deadline); !sent) return fail(sent.error());
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(kMaximumBody);
  if (request.method == "HEAD") parser.skip(true);
  const auto error = wire.step(
      deadline, [&](auto handler) { beast::http::async_read(wire.stream(), wire.buffer(), parser, handler); });
  if (error) return wire.failed(error);
  ClientResponse response = response_fields(parser.get());
  response.body = std::move(parser.get().body());
  return response;
}

class EventSource::Impl {
 public:
  Result<void> open(const std::string& where, ClientRequest request, Deadline deadline) {
    request.headers.emplace("Accept", "text/event-stream");
    if (auto connected = wire_.connect(where, deadline); !connected) return fail(connected.error());
    if (auto sent = send(wire_, request, true, deadline); !sent) return fail(sent.error());
    message_.body_limit(std::numeric_limits<std::uint64_t>::max());
    const auto error = wire_.step(deadline, [&](auto handler) {
      beast::http::async_read_header(wire_.stream(), wire_.buffer(), message_, handler);
    });
    if (error) return wire_.failed(error);
    ClientResponse head = response_fields(message_.get());
    const bool is_stream = message_.get()[beast::http::field::content_type].starts_with("text/event-stream");
    if (head.status == 200 && is_stream) return {};
    if (head.status == 200) return fail(where + request.target + " is no event stream");
    while (head.body.size() < kMaximumBody) {
      const auto some = read_some(deadline);
      if (!some || some->empty()) break;
      head.body += *some;
    }
    return fail(head.error());
  }

  Result<std::optional<Event>> next(Deadline deadline) {
    while (events_.empty()) {
      auto some = read_some(deadline);
      if (!some) return fail(some.error());
      if (some->empty()) return std::nullopt;
      auto events = parser_.feed(*some);
      if (!events) return fail(events.error());
      for (auto& event : *events) events_.push_back(std::move(event));
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  // Some bytes of the body; none when the deadline came first.
  Result<std::string> read_some(Deadline deadline) {
    std::string chunk(8192, '\0');
    while (true) {
      if (message_.is_done()) return fail("the server closed the event stream");
      auto& body = message_.get().body();
      body.data = chunk.data();
      body.size = chunk.size();
      const auto error = wire_.step_or_cancel(deadline, [&](auto handler) {
        beast::http::async_read_some(wire_.stream(), wire_.buffer(), message_, handler);
      });
      const std::size_t size = chunk.size() - body.size;
      if (size > 0) {
        chunk.resize(size);
        return chunk;
      }
      if (error == asio::error::operation_aborted) return std::string();
      if (error && error != beast::http::error::need_buffer) {
        if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message) {
          return fail("the server closed the event stream");
        }
        return wire_.failed(error);
      }
    }
  }

  Wire wire_;
  beast::http::response_parser<beast::http::buffer_body> message_;
  EventParser parser_;
  std::deque<Event> events_;
};

EventSource::EventSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventSource::EventSource(EventSource&&) noexcept = default;
EventSource& EventSource::operator=(EventSource&&) noexcept = default;
EventSource::~EventSource() = default;

Result<EventSource> EventSource::open(const std::string& where, const ClientRequest& request, Deadline deadline) {
  auto impl = std::make_unique<Impl>();
  if (auto opened = impl->open(where, request, deadline); !opened) return fail(opened.error());
  return EventSource(std::move(impl));
}

Result<std::optional<Event>> EventSource::next(Deadline deadline) {
  return impl_->next(deadline);
}

}  // namespace turnkeeper::http
