#include "turnkeeper/http/get.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <sstream>

#include "turnkeeper/http/response_fields.hpp"

namespace turnkeeper::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::uint64_t longest_body = 64 * 1024;

class Get : public std::enable_shared_from_this<Get> {
 public:
  Get(const asio::any_io_executor& executor, std::function<void(Result<ClientResponse>)> done)
      : stream_(executor), done_(std::move(done)) {}

  void start(const asio::ip::tcp::endpoint& server, std::string target, Deadline deadline) {
    std::ostringstream name;
    name << server;
    name_ = name.str();
    request_ = {beast::http::verb::get, target, 11};
    request_.set(beast::http::field::host, name_);
    request_.set(beast::http::field::user_agent, "turnkeeper");
    request_.keep_alive(false);
    parser_.body_limit(longest_body);
    stream_.expires_at(deadline.at());
    stream_.async_connect(server, [self = shared_from_this()](error_code error) {
      if (error) return self->fail_with(error);
      self->write();
    });
  }

 private:
  void write() {
    beast::http::async_write(stream_, request_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->fail_with(error);
      self->read();
    });
  }

  void read() {
    beast::http::async_read(stream_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->fail_with(error);
      auto response = response_fields(self->parser_.get());
      response.body = std::move(self->parser_.get().body());
      self->done_(std::move(response));
    });
  }

  void fail_with(const error_code& error) {
    if (error == beast::error::timeout) return done_(fail("no answer from " + name_ + " in time"));
    done_(fail("cannot talk to " + name_ + ": " + error.message()));
  }

  beast::basic_stream<asio::ip::tcp, asio::any_io_executor> stream_;
  beast::http::request<beast::http::empty_body> request_;
  beast::http::response_parser<beast::http::string_body> parser_;
  beast::flat_buffer buffer_;
  std::string name_;
  const std::function<void(Result<ClientResponse>)> done_;
};

}  // namespace

void get(const asio::any_io_executor& executor, const asio::ip::tcp::endpoint& server, std::string target,
         Deadline deadline, std::function<void(Result<ClientResponse>)> done) {
  std::make_shared<Get>(executor, std::move(done))->start(server, std::move(target), deadline);
}

}  // namespace turnkeeper::http
