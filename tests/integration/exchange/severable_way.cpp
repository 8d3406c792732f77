#include "severable_way.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <future>

namespace turnkeeper::monitor {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

tcp::endpoint parse(const std::string& address) {
  const auto colon = address.rfind(':');
  return {asio::ip::make_address(address.substr(0, colon)),
          static_cast<unsigned short>(std::stoi(address.substr(colon + 1)))};
}

}  // namespace

struct SeverableWay::Passage : std::enable_shared_from_this<Passage> {
  Passage(SeverableWay& way, tcp::socket from) : way(way), near(std::move(from)), far(way.io_) {}

  void begin() {
    boost::system::error_code error;
    far.connect(way.to_, error);
    if (error) return end();
    pump(near, far, to_far);
    pump(far, near, to_near);
  }
  void pump(tcp::socket& from, tcp::socket& to, std::array<char, 65536>& buffer) {
    from.async_read_some(
        asio::buffer(buffer), [this, self = shared_from_this(), &from, &to, &buffer](auto error, auto n) {
          if (way.severed_) return;
          if (error) return end();
          way.bytes_ += n;
          asio::async_write(to, asio::buffer(buffer.data(), n), [this, self, &from, &to, &buffer](auto failed, auto) {
            failed ? end() : pump(from, to, buffer);
          });
        });
  }
  void end() {
    near.close();
    far.close();
    way.passages_.erase(shared_from_this());
  }

  SeverableWay& way;
  tcp::socket near, far;
  std::array<char, 65536> to_far{}, to_near{};
};

SeverableWay::SeverableWay(const std::string& to)
    : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), to_(parse(to)) {
  accept();
  thread_ = std::thread([this] { io_.run(); });
}

SeverableWay::~SeverableWay() {
  io_.stop();
  thread_.join();
}

void SeverableWay::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (error) return;
    const auto passage = std::make_shared<Passage>(*this, std::move(socket));
    passages_.insert(passage);
    if (!severed_) passage->begin();
    accept();
  });
}

void SeverableWay::sever() {
  severed_ = true;
}

void SeverableWay::heal() {
  std::promise<void> done;
  asio::post(io_, [&] {
    severed_ = false;
    while (!passages_.empty()) (*passages_.begin())->end();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace turnkeeper::monitor
