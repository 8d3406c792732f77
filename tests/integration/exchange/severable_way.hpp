// A TCP way to one address that can be cut: what is sent into it then goes nowhere, as behind a firewall.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace turnkeeper::monitor {

class SeverableWay {
 public:
  explicit SeverableWay(const std::string& to);  // "127.0.0.1:4711"
  ~SeverableWay();

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  void sever();
  // Connections that were cut are reset: their ends have given them up.
  void heal();
  // Carried so far, both directions.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Passage;
  void accept();

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  const boost::asio::ip::tcp::endpoint to_;
  std::set<std::shared_ptr<Passage>> passages_;
  std::atomic<bool> severed_ = false;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::thread thread_;
};

}  // namespace turnkeeper::monitor
