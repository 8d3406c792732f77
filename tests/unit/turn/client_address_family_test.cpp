// One relayed address of the family that was asked for, or one of each (RFC 8656 section 7.1).
#include "client_fixture.hpp"

namespace turnkeeper::turn {
namespace {

using ClientAddressFamilyTest = ClientTest;

TEST_F(ClientAddressFamilyTest, AsksForTheAddressFamilyItWasTold) {
  auto ipv6 = config();
  ipv6.address_family = SocketAddress::Family::ipv6;
  client = Client(ipv6);
  server.refuse[Method::allocate] = {440, "Address Family not Supported"};
  allocate();
  ASSERT_NE(failure(), nullptr);
  EXPECT_EQ(failure()->code, 440);
  EXPECT_EQ((*Message::decode(sent.back())->find(AttributeType::requested_address_family))[0], 2);
}

TEST_F(ClientAddressFamilyTest, ADualAllocationHasAnAddressOfEachFamily) {
  auto dual = config();
  dual.dual = true;
  client = Client(dual);
  server.relayed_ipv6 = *SocketAddress::parse("[2001:db8::9]:50001");
  allocate();
  ASSERT_NE(find<Allocated>(), nullptr);
  EXPECT_EQ(find<Allocated>()->relayed, server.relayed);
  EXPECT_EQ(find<Allocated>()->relayed_additional, server.relayed_ipv6);
  EXPECT_FALSE(find<Allocated>()->additional_refused);
  EXPECT_FALSE(Message::decode(sent.back())->find(AttributeType::requested_address_family));

  // The order of the two in the answer means nothing.
  client = Client(dual);
  events.clear();
  std::swap(server.relayed, *server.relayed_ipv6);
  allocate();
  EXPECT_EQ(find<Allocated>()->relayed.to_string(), "192.0.2.9:50000");
  EXPECT_EQ(find<Allocated>()->relayed_additional->to_string(), "[2001:db8::9]:50001");
}

TEST_F(ClientAddressFamilyTest, ADualAllocationTellsWhichFamilyWasRefusedAndWhy) {
  auto dual = config();
  dual.dual = true;
  client = Client(dual);
  server.ipv6_refused = 508;
  allocate();
  ASSERT_NE(find<Allocated>(), nullptr);
  EXPECT_EQ(find<Allocated>()->relayed, server.relayed);
  EXPECT_FALSE(find<Allocated>()->relayed_additional);
  EXPECT_EQ(find<Allocated>()->additional_refused, 508);
}

TEST_F(ClientAddressFamilyTest, AServerWithoutDualAllocationGivesOneAddress) {
  auto dual = config();
  dual.dual = true;
  client = Client(dual);
  allocate();
  ASSERT_NE(find<Allocated>(), nullptr);
  EXPECT_FALSE(find<Allocated>()->relayed_additional);
  EXPECT_FALSE(find<Allocated>()->additional_refused);
}

}  // namespace
}  // namespace turnkeeper::turn
