#include "turnkeeper/coturn/allocations.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace turnkeeper::coturn {
namespace {

// A socket of this process on a port that the kernel chose.
class BoundSocket {
 public:
  BoundSocket(int family, int type) : fd_(socket(family, type | SOCK_CLOEXEC, 0)) {
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_TRUE(type != SOCK_STREAM || listen(fd_, 1) == 0);
    socklen_t got = sizeof address;
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &got), 0);
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  }
  ~BoundSocket() { close(fd_); }
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

int count_at(std::uint16_t port) {
  const auto count = live_allocations(getpid(), {.turn = 1, .relay_min = port, .relay_max = port});
  EXPECT_TRUE(count) << count.error().text();
  return count.value_or(-1);
}

TEST(AllocationsTest, CountsTheSocketsBoundInTheRange) {
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
      std::uint16_t port = 0;
      {
        const BoundSocket socket(family, type);
        port = socket.port();
        EXPECT_EQ(count_at(port), 1) << family << " " << type;
        EXPECT_EQ(count_at(port == 65535 ? port - 1 : port + 1), 0);
      }
      EXPECT_EQ(count_at(port), 0);
    }
  }
}

TEST(AllocationsTest, DoesNotTakeAProcessThatIsGoneForAnIdleOne) {
  EXPECT_FALSE(live_allocations(0x3fffffff, {}));
}

}  // namespace
}  // namespace turnkeeper::coturn
