#include "turnkeeper/api/vantage_identity.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::api {
namespace {

TEST(VantageIdentity, SaysForWhichTurnClusterItStands) {
  const auto identity = vantage_identity({"turnkeeper-monitor", vantage_uri("telephony/calls/us-east.example")});
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->vantage, "telephony/calls/us-east.example");
  EXPECT_TRUE(identity->covers("telephony/calls"));
  EXPECT_FALSE(identity->covers("telephony/calls2"));
  EXPECT_FALSE(identity->covers("telephony"));
  EXPECT_FALSE(identity->covers(""));
}

TEST(VantageIdentity, ANameIsAPersonsOrTheOperators) {
  const std::string label(63, 'n'), place(253, 'p');
  for (const auto& name : {std::string("paris"), std::string("node-1.example_org"),
                           std::string("telephony/calls/us-east"), label + '/' + label + '/' + place})
    EXPECT_TRUE(is_vantage_name(name)) << name;
  for (const auto& name :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("a//b"), std::string("a/b/c/d"),
        std::string("/a/b"), label + 'n', label + "n/a/b", "a/b/" + place + 'p'})
    EXPECT_FALSE(is_vantage_name(name)) << name;
}

TEST(VantageIdentity, AMonitorOfAllHasNone) {
  EXPECT_FALSE(vantage_identity({"turnkeeper-monitor", "192.0.2.7", "https://monitors.example.org/vantage/a/b/c"}));
  EXPECT_FALSE(vantage_identity({}));
}

TEST(VantageIdentity, AMistakeGivesNoRights) {
  for (const char* uri : {"turnkeeper:vantage/", "turnkeeper:vantage/a", "turnkeeper:vantage/a/b",
                          "turnkeeper:vantage//b/c", "turnkeeper:vantage/a//c", "turnkeeper:vantage/a/b/",
                          "turnkeeper:vantage/a/b/c/d", "turnkeeper:vantages/a/b/c", "turnkeeper:"}) {
    const auto identity = vantage_identity({uri});
    ASSERT_TRUE(identity) << uri << " gives the rights of a monitor of all";
    for (const char* cluster : {"", "a", "a/b", "/b", "a/"}) EXPECT_FALSE(identity->covers(cluster)) << uri;
  }
  const auto two = vantage_identity({vantage_uri("a/b/c"), vantage_uri("a/d/c")});
  ASSERT_TRUE(two);
  EXPECT_FALSE(two->covers("a/b"));
  EXPECT_FALSE(two->covers("a/d"));
}

}  // namespace
}  // namespace turnkeeper::api
