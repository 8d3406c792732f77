// A server on a thread of its own, and a raw TCP connection to say to it what no proper client would.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <utility>
// Asio 1.74 uses std::exchange in its coroutine headers without including this.
#include <boost/asio.hpp>
#include <future>
#include <thread>

#include "turnkeeper/http/client.hpp"
#include "turnkeeper/http/server.hpp"

namespace turnkeeper::http {

using namespace std::chrono_literals;

inline Deadline soon() {
  return Deadline::after(real_clock(), 10s);
}

class LiveServer {
 public:
  explicit LiveServer(Router router, Limits limits = {}, const std::string& address = "127.0.0.1:0",
                      std::optional<TlsFiles> tls = {}) {
    auto server = Server::listen(io_, address, std::move(router), limits, std::move(tls));
    if (!server) throw std::runtime_error(server.error().text());
    server_ = std::move(*server);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~LiveServer() {
    on_loop([this] { server_.reset(); });
    keep_.reset();
    thread_.join();
  }

  // Runs on the server's thread and waits until it has.
  void on_loop(const std::function<void()>& action) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  void stop() {
    on_loop([this] { server_->stop(); });
  }

  [[nodiscard]] std::string url() const {
    return server_->port() == 0 ? server_->address() : "http://" + server_->address();
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] const std::string& address() const { return server_->address(); }

 private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_{io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port, int receive_buffer = 0, const std::string& from = "") : socket_(io_) {
    const boost::asio::ip::tcp::endpoint server(boost::asio::ip::address_v4::loopback(), port);
    socket_.open(server.protocol());
    if (receive_buffer > 0) socket_.set_option(boost::asio::socket_base::receive_buffer_size(receive_buffer));
    if (!from.empty()) socket_.bind({boost::asio::ip::make_address(from), 0});
    socket_.connect(server);
  }

  void send(const std::string& text) {
    boost::system::error_code ignored;  // the server may have closed already; what it answered is what counts
    boost::asio::write(socket_, boost::asio::buffer(text), ignored);
  }
  void half_close() { socket_.shutdown(boost::asio::socket_base::shutdown_send); }
  // Everything until the server closes the connection.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(text_, {});
  }
  // Up to and including `end`.
  std::string read_until(const std::string& end) {
    std::size_t found = 0;
    while ((found = text_.find(end)) == std::string::npos) {
      if (!read_some()) return std::exchange(text_, {});
    }
    std::string head = text_.substr(0, found + end.size());
    text_.erase(0, head.size());
    return head;
  }
  // The server has closed the connection, or closes it within this time.
  bool closed_within(std::chrono::milliseconds time) {
    pollfd waiting{socket_.native_handle(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0 && !read_some();
  }

 private:
  // A server that neither answers nor closes is a failure, not a test that hangs.
  bool read_some() {
    pollfd waiting{socket_.native_handle(), POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) {
      ADD_FAILURE() << "the server neither answered nor closed; so far: " << text_;
      return false;
    }
    std::array<char, 65536> chunk{};
    boost::system::error_code error;
    const auto size = socket_.read_some(boost::asio::buffer(chunk), error);
    text_.append(chunk.data(), size);
    return !error;
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string text_;
};

}  // namespace turnkeeper::http
