#include "monitor/service/access.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::monitor {
namespace {

http::Request with_header(const std::string& value) {
  http::Request request;
  if (!value.empty()) request.headers["authorization"] = value;
  return request;
}

TEST(AccessTest, WhoHasTheKeyGetsInAndNobodyElse) {
  const Access access(Secret("open sesame"), true);
  EXPECT_FALSE(access.refuse(with_header("Bearer open sesame")));
  for (const auto* wrong :
       {"", "Bearer", "Bearer ", "Bearer open", "Bearer open sesame ", "open sesame", "Basic b3Blbg=="}) {
    const auto refused = access.refuse(with_header(wrong));
    ASSERT_TRUE(refused) << wrong;
    EXPECT_EQ(refused->status, 401);
    EXPECT_EQ(refused->body.find("open sesame"), std::string::npos);
  }
}

TEST(AccessTest, WithoutAKeyStrangersGetInOnlyWhereThatWasAllowed) {
  EXPECT_FALSE(Access({}, true).refuse(with_header("")));
  const auto refused = Access({}, false).refuse(with_header("Bearer anything"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
}

TEST(AccessTest, OnlyWhatThisMachineAloneReachesIsLoopback) {
  for (const auto* address : {"127.0.0.1:8480", "127.1.2.3:0", "[::1]:80", "localhost:80", "unix:/run/m.sock"}) {
    EXPECT_TRUE(is_loopback(address)) << address;
  }
  for (const auto* address : {"0.0.0.0:8480", "[::]:80", "192.0.2.1:80", "[::12]:80", "localhost.example.org:80"}) {
    EXPECT_FALSE(is_loopback(address)) << address;
  }
}

}  // namespace
}  // namespace turnkeeper::monitor
