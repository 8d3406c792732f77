#include "turnkeeper/kube/http_transport.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>
#include <functional>
#include <mutex>
#include <vector>

#include "turnkeeper/kube/bearer_token.hpp"
#include "turnkeeper/kube/connection.hpp"
#include "turnkeeper/kube/tls_trust.hpp"

namespace turnkeeper::kube {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Connected = std::unique_ptr<Connection>;
using boost::system::error_code;

constexpr std::chrono::seconds head_budget{30};
// API servers and what stands before them close idle connections after a minute or more.
constexpr std::chrono::seconds idle_life{30};

Error unreachable(const std::string& server, const std::string& why, bool tls = false) {
  return {ErrorKind::unreachable, "cannot reach the API server " + server + ": " + why,
          tls ? "check the certificate authority: it must be the one of this API server"
              : "check that the API server runs and that its address is right"};
}

Error failure(const std::string& server, const error_code& error, const std::stop_token& stop) {
  if (stop.stop_requested()) return Error(ErrorKind::cancelled, "stopped");
  if (error == asio::error::timed_out) return unreachable(server, "no answer in time");
  if (error == http::error::body_limit) {
    return Error(ErrorKind::unexpected, "the answer of " + server + " is too large");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
      error == asio::ssl::error::stream_truncated) {
    return unreachable(server, "the connection was closed");
  }
  return unreachable(server, error.message(), error.category() == asio::error::get_ssl_category());
}

using OnStop = std::stop_callback<std::function<void()>>;

class BodyStream final : public ByteStream {
 public:
  BodyStream(std::string server, Connected connection, std::chrono::seconds quiet, std::stop_token stop)
      : server_(std::move(server)),
        connection_(std::move(connection)),
        quiet_(quiet),
        stop_(std::move(stop)),
        on_stop_(stop_, [this] { connection_->interrupt(); }) {}

  Result<std::string> read() override {
    connection_->set_deadline(std::chrono::steady_clock::now() + quiet_);
    std::string bytes;
    const auto error = connection_->read_some(bytes);
    if (error == asio::error::timed_out) return kube::fail(unreachable(server_, "it went silent"));
    if (error) return kube::fail(failure(server_, error, stop_));
    return bytes;
  }

 private:
  const std::string server_;
  const Connected connection_;
  const std::chrono::seconds quiet_;
  const std::stop_token stop_;
  const OnStop on_stop_;
};

class HttpTransport final : public Transport {
 public:
  HttpTransport(const Config& config, ServerAddress server, const Clock& clock)
      : url_(config.server),
        trust_(config),
        server_(std::move(server)),
        clock_(clock),
        token_(config.token, config.token_file, clock) {}

  // Throws when the certificates make no sense.
  void check() { static_cast<void>(trust_.context()); }

  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override try {
    auto connection = take_idle();
    const bool fresh = connection == nullptr;
    if (fresh) connection = std::make_unique<Connection>();
    Response response;
    {
      const OnStop on_stop(stop, [&connection] { connection->interrupt(); });
      connection->set_deadline(deadline.at());
      auto error = fresh ? open(*connection) : error_code();
      if (!error) error = connection->write(server_, request, token_.current());
      if (!error) error = connection->read(response);
      if (error) return kube::fail(failure(url_, error, stop));
    }
    // One that was interrupted meanwhile is found out when it is taken again.
    if (connection->is_reusable()) give_back(std::move(connection));
    return response;
  } catch (const std::exception& error) {
    return kube::fail(unreachable(url_, error.what()));
  }

  Result<Opened> open(const Request& request, std::chrono::seconds quiet, std::stop_token stop) override try {
    // As a rule the one that the list before came over. The server may have closed it this moment.
    if (auto connection = take_idle()) {
      auto opened = start(request, std::move(connection), false, quiet, stop);
      if (opened || stop.stop_requested()) return opened;
    }
    return start(request, std::make_unique<Connection>(), true, quiet, stop);
  } catch (const std::exception& error) {
    return kube::fail(unreachable(url_, error.what()));
  }

 private:
  struct Idle {
    Connected connection;
    SteadyTime since;
  };

  Result<Opened> start(const Request& request, Connected connection, bool fresh, std::chrono::seconds quiet,
                       const std::stop_token& stop) {
    Opened opened;
    {
      const OnStop on_stop(stop, [&connection] { connection->interrupt(); });
      connection->set_deadline(std::chrono::steady_clock::now() + head_budget);
      auto error = fresh ? open(*connection) : error_code();
      if (!error) error = connection->write(server_, request, token_.current());
      if (!error) error = connection->read_head(opened.response);
      std::string bytes;
      while (!error && opened.response.status != 200) {
        error = connection->read_some(bytes);
        if (bytes.empty()) break;
        opened.response.body += bytes;
      }
      if (error) return kube::fail(failure(url_, error, stop));
    }
    if (opened.response.status == 200) {
      opened.stream = std::make_unique<BodyStream>(url_, std::move(connection), quiet, stop);
    }
    return opened;
  }

  error_code open(Connection& connection) {
    if (!server_.tls) return connection.connect(server_, nullptr);
    try {
      return connection.connect(server_, trust_.context()->native_handle());
    } catch (const boost::system::system_error& error) {
      // A file that is being replaced this moment: this one connection fails and is tried again.
      return error.code();
    }
  }

  // Null when there is none of use.
  Connected take_idle() {
    std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      Idle last = std::move(idle_.back());
      idle_.pop_back();
      if (clock_.steady() - last.since < idle_life && last.connection->is_quiet()) return std::move(last.connection);
    }
    return nullptr;
  }

  void give_back(Connected connection) {
    std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    std::erase_if(idle_, [&](const Idle& idle) { return now - idle.since >= idle_life; });
    idle_.push_back({std::move(connection), now});
  }

  const std::string url_;
  TlsTrust trust_;
  const ServerAddress server_;
  const Clock& clock_;
  BearerToken token_;
  std::mutex mutex_;
  std::vector<Idle> idle_;  // the longest idle first
};

}  // namespace

turnkeeper::Result<std::shared_ptr<Transport>> connect(const Config& config, const Clock& clock) {
  auto server = parse_server_address(config.server);
  if (!server) return turnkeeper::fail(server.error());
  auto transport = std::make_shared<HttpTransport>(config, std::move(*server), clock);
  try {
    transport->check();
  } catch (const std::exception& error) {
    return turnkeeper::fail("the certificates of " + config.source + " cannot be used: " + error.what(),
                            "give the certificate authority, client certificate and key as PEM");
  }
  return transport;
}

}  // namespace turnkeeper::kube
