// One client's connection to a server: reads requests, calls handlers, writes answers. Private to lib/http.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "turnkeeper/http/listen.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {

// What all connections of a server share.
struct Service {
  Router router;
  Limits limits;
};

class PendingEvents;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::basic_stream_socket<StreamProtocol>;

  Connection(Socket socket, std::shared_ptr<const Service> service);
  // `done` runs once, when the connection has ended by itself or by stop() or cut().
  void start(std::function<void()> done);
  // Ends at once, or after the response that is being written.
  void stop();
  void cut();
  // Something to write may have arrived. On the connection's executor.
  void wake() { wake_.cancel(); }

 private:
  template <class T>
  using awaitable = boost::asio::awaitable<T>;
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  awaitable<void> run();
  // False: the connection is over.
  awaitable<bool> serve_one();
  awaitable<bool> read_request(Parser& parser);
  awaitable<Response> answer(const DeferredHandler& handler, const Request& request);
  awaitable<bool> write(const Response& response, unsigned version, bool keep_alive, bool head);
  // The answer to what was no proper request; the client may still be sending the rest of it.
  awaitable<bool> refuse(const Response& response);
  awaitable<bool> stream(const EventHandler& handler, const Request& request, unsigned version, bool keep_alive);
  awaitable<void> write_events(PendingEvents& events);
  awaitable<bool> write_text(const std::string& text);
  awaitable<void> watch_peer(std::shared_ptr<PendingEvents> events);

  boost::beast::basic_stream<StreamProtocol> stream_;
  std::shared_ptr<const Service> service_;
  boost::asio::steady_timer wake_;
  boost::beast::flat_buffer buffer_;
  Peer peer_;
  std::function<void()> done_;
  bool first_ = true;
  bool writing_ = false;
  bool stopping_ = false;
};

}  // namespace turnkeeper::http
