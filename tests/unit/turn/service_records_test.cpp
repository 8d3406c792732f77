#include "turnkeeper/turn/service_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace turnkeeper::turn {
namespace {

using testing::ElementsAre;
using To = ServicePointer::To;

std::vector<std::string> targets(const std::vector<SrvRecord>& records) {
  std::vector<std::string> names;
  for (const auto& record : records) names.push_back(record.target);
  return names;
}

TEST(Naptr, BestOrderThenBestPreferenceComesFirst) {
  const auto pointers =
      follow({{.order = 20, .preference = 1, .flags = "s", .service = "RELAY:turn.udp", .replacement = "c"},
              {.order = 10, .preference = 2, .flags = "S", .service = "relay:TURN.UDP", .replacement = "b"},
              {.order = 10, .preference = 1, .flags = "a", .service = "RELAY:turn.tcp", .replacement = "a"}},
             {Protocol::udp, Protocol::tcp});
  EXPECT_THAT(pointers, ElementsAre(ServicePointer{To::addresses, "a", {Protocol::tcp}},
                                    ServicePointer{To::srv, "b", {Protocol::udp}},
                                    ServicePointer{To::srv, "c", {Protocol::udp}}));
}

TEST(Naptr, WhatIsNotWantedOrNotUnderstoodIsNotFollowed) {
  const auto one = [](NaptrRecord record) {
    return follow({std::move(record)}, {Protocol::udp, Protocol::dtls}).size();
  };
  const NaptrRecord good{.flags = "S", .service = "RELAY:turn.tls:turn.dtls", .replacement = "a"};
  EXPECT_EQ(one(good), 1u);
  auto other = good;
  other.service = "RELAY:turn.tcp";
  EXPECT_EQ(one(other), 0u) << "a protocol that is not wanted";
  other.service = "SIP+D2U";
  EXPECT_EQ(one(other), 0u);
  other = good;
  other.regexp = "!^.*$!sip:x@example.org!";
  EXPECT_EQ(one(other), 0u) << "S-NAPTR has no regular expressions";
  other = good;
  other.flags = "U";
  EXPECT_EQ(one(other), 0u);
  other = good;
  other.replacement = "";
  EXPECT_EQ(one(other), 0u);
}

TEST(Srv, LowestPriorityComesFirstWhateverTheWeights) {
  for (const double draw : {0.0, 0.5, 0.999}) {
    EXPECT_THAT(targets(in_order({{2, 100, 1, "b"}, {1, 0, 1, "a"}, {3, 9, 1, "c"}}, [&] { return draw; })),
                ElementsAre("a", "b", "c"));
  }
}

TEST(Srv, EqualsShareByWeight) {
  std::map<std::string, int> first;
  for (int i = 0; i < 1000; ++i) {
    const auto ordered = in_order({{1, 10, 1, "small"}, {1, 30, 1, "large"}}, [&] { return i / 1000.0; });
    ASSERT_EQ(ordered.size(), 2u);
    ++first[ordered.front().target];
  }
  EXPECT_NEAR(first["large"], 750, 30);
}

TEST(Srv, ServiceThatIsNotOfferedHasNoServers) {
  EXPECT_THAT(in_order({{0, 0, 0, "."}}, [] { return 0.0; }), testing::IsEmpty());
  EXPECT_THAT(in_order({{0, 0, 0, ""}}, [] { return 0.0; }), testing::IsEmpty());
}

TEST(Srv, NamesOfRfc5928) {
  EXPECT_EQ(srv_name("turn", Protocol::udp, "example.org"), "_turn._udp.example.org");
  EXPECT_EQ(srv_name("turn", Protocol::tcp, "example.org"), "_turn._tcp.example.org");
  EXPECT_EQ(srv_name("turns", Protocol::tls, "example.org"), "_turns._tcp.example.org");
  EXPECT_EQ(srv_name("turns", Protocol::dtls, "example.org"), "_turns._udp.example.org");
}

}  // namespace
}  // namespace turnkeeper::turn
