#include "turnkeeper/base/content_hash.hpp"

#include <gtest/gtest.h>

namespace turnkeeper {
namespace {

// Pods that run carry it in an annotation, and agents of another version compute it anew.
TEST(ContentHashTest, IsTheFirstHalfOfSha256) {
  EXPECT_EQ(content_hash("test"), "9f86d081884c7d659a2feaa0c55ad015");
  EXPECT_EQ(content_hash(""), "e3b0c44298fc1c149afbf4c8996fb924");
}

}  // namespace
}  // namespace turnkeeper
