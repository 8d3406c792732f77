#include "cli/room/room.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::cli {
namespace {

http::Request request(const std::string& host, const std::string& origin) {
  http::Request request{.method = "POST", .path = "/room/relays/eu-0/stop"};
  if (!host.empty()) request.headers.emplace_back("host", host);
  if (!origin.empty()) request.headers.emplace_back("origin", origin);
  return request;
}

TEST(Room, ItsOwnPageMayKillRelays) {
  for (const char* host : {"127.0.0.1:8480", "localhost:8480", "[::1]:8480", "127.3.2.1"}) {
    EXPECT_TRUE(asked_by_own_page(request(host, std::string("http://") + host))) << host;
  }
}

TEST(Room, AnotherPageMayNot) {
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1:8480", "")));
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1:8480", "null")));
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1:8480", "http://evil.example")));
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1:8480", "http://127.0.0.1:9999")));
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1:8480", "https://127.0.0.1:8480")));
  EXPECT_FALSE(asked_by_own_page(request("", "http://")));
}

TEST(Room, NorMayOneWhoseNameWasLetPointHere) {
  EXPECT_FALSE(asked_by_own_page(request("evil.example:8480", "http://evil.example:8480")));
  EXPECT_FALSE(asked_by_own_page(request("127.0.0.1.evil.example", "http://127.0.0.1.evil.example")));
  EXPECT_FALSE(asked_by_own_page(request("[::1", "http://[::1")));
}

}  // namespace
}  // namespace turnkeeper::cli
