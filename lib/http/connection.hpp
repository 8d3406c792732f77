// One client's connection to a server: reads requests, calls handlers, writes answers. A state machine over a socket
// that never blocks; while it is idle it holds no buffer. Private to lib/http.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "turnkeeper/http/deadlines.hpp"
#include "turnkeeper/http/listen.hpp"
#include "turnkeeper/http/poller.hpp"
#include "turnkeeper/http/request_parser.hpp"
#include "turnkeeper/http/response_text.hpp"
#include "turnkeeper/http/server.hpp"
#include "turnkeeper/http/stream.hpp"
#include "turnkeeper/http/tls.hpp"

namespace turnkeeper::http {

class Connection;

// What all connections of a server share.
struct Service {
  Service(boost::asio::io_context& io, Router router, const Limits& limits);

  boost::asio::io_context::executor_type executor;
  Router router;
  const Limits limits;
  std::shared_ptr<Poller> poller;
  std::shared_ptr<Deadlines> deadlines;

  // A parser is taken for a request and given back after it.
  [[nodiscard]] std::unique_ptr<RequestParser> parser();
  void give_back(std::unique_ptr<RequestParser> parser);

  std::vector<char> input;                               // of the read that is going on
  std::string output;                                    // memory for the answers to it
  std::vector<std::unique_ptr<RequestParser>> parsers;   // not in use
  std::unordered_map<std::string, std::size_t> clients;  // connections by address
  std::size_t connections = 0;
  std::function<void()> on_empty;  // the last connection has ended
};

using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Connection>,
                                                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Connection final : public std::enable_shared_from_this<Connection>,
                         public ConnectionHook,
                         private Poller::Socket,
                         private Waiting {
 public:
  // Takes the descriptor, and keeps itself alive until it has ended. `context`: the server speaks TLS.
  static std::shared_ptr<Connection> open(std::shared_ptr<Service> service, int fd, Peer peer, SSL_CTX* context);
  ~Connection() override;

  // Ends at once, or after the response that is being written.
  void stop();
  void close();
  // It waits for a request's first byte. Only such a one may be cut to make room.
  static Connection& of(Waiting& waiting) { return static_cast<Connection&>(waiting); }

  // For its event stream.
  [[nodiscard]] bool can_write_event() const { return state_ == State::streaming && output_.empty(); }
  void write_event(const Event& event);
  // The stream's sender has something new, or has closed it.
  void look_at_stream();

 private:
  enum class State : std::uint8_t { handshake, reading, answering, streaming, lingering, closed };

  Connection(std::shared_ptr<Service> service, int fd, Peer peer, SSL_CTX* context);
  void on_ready(std::uint32_t events) override;
  void on_due(Wait wait) override;

  void handshake();
  void read();
  void resume();
  // What was read: as many requests as are whole, and what is left is kept.
  void take(std::string_view bytes);
  void serve(RequestParser& parser, std::string& out);
  void respond(const Response& response, std::string& out);
  void refuse(const Response& response, std::string& out);
  void call(const DeferredHandler& handler, const Request& request, std::string& out);
  void answered(std::uint32_t question, const Response& response);
  void begin_stream(const EventHandler& handler, const Request& request, std::string& out);
  void linger();
  void discard();
  // Sends `out`, keeps what the kernel does not take, and leaves `out` empty.
  void send(std::string& out);
  void flush();
  std::size_t write(std::string_view bytes);
  void after_write(bool begins);
  void watch();
  Io read_some(std::span<char> into, std::size_t& count);
  Io write_some(std::string_view bytes, std::size_t& count);

  std::shared_ptr<Service> service_;
  std::shared_ptr<Connection> self_;  // until closed
  std::unique_ptr<TlsSession> tls_;
  std::unique_ptr<RequestParser> parser_;  // of a request that is not whole yet
  std::shared_ptr<Stream> stream_;
  std::string input_;   // read, and not understood yet
  std::string output_;  // to be written when the socket takes more
  Peer peer_;
  int fd_;
  std::uint32_t watched_ = 0;
  State state_ = State::reading;
  Framing framing_;
  Headers headers_;           // for the answer that is being made
  bool close_after_ = false;  // the output
  bool linger_after_ = false;
  bool tls_waits_to_write_ = false;
  std::uint8_t discarded_ = 0;   // reads
  std::uint32_t questions_ = 0;  // that deferred handlers were asked
};

}  // namespace turnkeeper::http
