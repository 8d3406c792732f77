#include "turnkeeper/kube/blocking_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <chrono>

namespace turnkeeper::kube {
namespace {

namespace asio = boost::asio;

boost::system::error_code last_error() {
  const int number = errno;
  // What a socket's own time limits end with.
  if (number == EAGAIN || number == EWOULDBLOCK || number == EINPROGRESS) return asio::error::timed_out;
  return {number, boost::system::system_category()};
}

// A watch may be silent for minutes, and a network that was cut tells nobody: the other side is asked, and missed in 45
// s. (By default it is asked after two hours.)
void keep_alive(int descriptor) {
  constexpr int on = 1;
  constexpr int silent_seconds = 30;
  constexpr int between_seconds = 5;
  constexpr int questions = 3;
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &silent_seconds, sizeof silent_seconds);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds, sizeof between_seconds);
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &questions, sizeof questions);
}

}  // namespace

// Linux heeds SO_RCVTIMEO in recv() and SO_SNDTIMEO in send() and connect().
bool BlockingSocket::limit(int option, error_code& error) const {
  const auto left = std::chrono::ceil<std::chrono::microseconds>(until_ - std::chrono::steady_clock::now()).count();
  if (left <= 0) {
    error = asio::error::timed_out;
    return false;
  }
  const timeval value{.tv_sec = left / 1'000'000, .tv_usec = left % 1'000'000};
  ::setsockopt(descriptor_, SOL_SOCKET, option, &value, sizeof value);
  return true;
}

BlockingSocket::error_code BlockingSocket::connect(const asio::ip::tcp::endpoint& server) {
  close();
  {
    std::lock_guard lock(mutex_);
    if (interrupted_) return asio::error::operation_aborted;
    descriptor_ = ::socket(server.data()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }
  if (descriptor_ < 0) return last_error();
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  keep_alive(descriptor_);
  error_code error;
  if (!limit(SO_SNDTIMEO, error)) return error;
  if (::connect(descriptor_, server.data(), static_cast<socklen_t>(server.size())) != 0) return last_error();
  return {};
}

std::size_t BlockingSocket::receive(void* data, std::size_t size, error_code& error) {
  error = {};
  while (limit(SO_RCVTIMEO, error)) {
    const auto count = ::recv(descriptor_, data, size, 0);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) {
      error = asio::error::eof;
      return 0;
    }
    if (errno == EINTR) continue;
    error = last_error();
    return 0;
  }
  return 0;
}

std::size_t BlockingSocket::send(const void* data, std::size_t size, error_code& error) {
  error = {};
  while (limit(SO_SNDTIMEO, error)) {
    const auto count = ::send(descriptor_, data, size, MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    error = last_error();
    return 0;
  }
  return 0;
}

void BlockingSocket::interrupt() {
  std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

bool BlockingSocket::is_quiet() const {
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void BlockingSocket::close() {
  std::lock_guard lock(mutex_);
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace turnkeeper::kube
