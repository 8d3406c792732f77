#include "turnkeeper/kube/server_address.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::kube {
namespace {

TEST(ServerAddress, ReadsWhatKubeconfigsHold) {
  const auto plain = parse_server_address("https://10.0.0.1:6443");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->host, "10.0.0.1");
  EXPECT_EQ(plain->port, "6443");
  EXPECT_EQ(plain->prefix, "");
  EXPECT_EQ(plain->authority(), "10.0.0.1:6443");

  const auto six = parse_server_address("https://[fd00::1]");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "fd00::1");
  EXPECT_EQ(six->authority(), "[fd00::1]:443");

  const auto proxied = parse_server_address("http://rancher.example.org/k8s/clusters/c-1/");
  ASSERT_TRUE(proxied);
  EXPECT_FALSE(proxied->tls);
  EXPECT_EQ(proxied->port, "80");
  EXPECT_EQ(proxied->prefix, "/k8s/clusters/c-1");
}

TEST(ServerAddress, SaysWhatItCannotUse) {
  for (const char* url : {"", "10.0.0.1:6443", "ftp://a", "https://", "https://:6443", "https://a:", "https://a:x",
                          "https://[fd00::1", "https://[fd00::1]x", "https://[::1]x:1", "https://me@a"}) {
    const auto address = parse_server_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_FALSE(address.error().advice.empty());
  }
}

}  // namespace
}  // namespace turnkeeper::kube
