#include "monitor/service/proofs.hpp"

#include <gtest/gtest.h>

#include "monitor/service/announcer.hpp"

namespace turnkeeper::monitor {
namespace {

const RelayId id{"calls", "eu", "eu-0"};

ProbeResult probed(turn::Protocol protocol, const std::string& address, bool ok) {
  ProbeResult result{.ok = ok, .cause = ok ? api::Cause::none : api::Cause::connect_timeout};
  result.endpoint = {protocol, *turn::SocketAddress::parse(address)};
  return result;
}
turn::Uri uri(const char* text) {
  return *turn::Uri::parse(text);
}

TEST(Proofs, AUrlIsProvenByTheProbesOfItsOwnTransportAndPort) {
  Proofs proofs;
  const auto udp = uri("turn:turn.example.org:3478?transport=udp");
  const auto tcp = uri("turn:turn.example.org:3478?transport=tcp");
  EXPECT_EQ(proofs.of(id, udp), Proof::unproven);
  EXPECT_TRUE(proofs.probed(id, probed(turn::Protocol::udp, "192.0.2.1:3478", true)));
  EXPECT_EQ(proofs.of(id, udp), Proof::works);
  EXPECT_EQ(proofs.of(id, tcp), Proof::unproven) << "nobody has tried TCP";
  EXPECT_TRUE(proofs.probed(id, probed(turn::Protocol::tcp, "192.0.2.1:3478", false)));
  EXPECT_EQ(proofs.of(id, tcp), Proof::fails);
  EXPECT_EQ(proofs.of(id, uri("turn:turn.example.org:53?transport=udp")), Proof::unproven);
}

TEST(Proofs, OneWorkingAddressOfANameIsEnough) {
  Proofs proofs;
  const auto name = uri("turn:turn.example.org:3478?transport=udp");
  (void)proofs.probed(id, probed(turn::Protocol::udp, "[2001:db8::1]:3478", false));
  (void)proofs.probed(id, probed(turn::Protocol::udp, "192.0.2.1:3478", true));
  EXPECT_EQ(proofs.of(id, name), Proof::works);
  EXPECT_EQ(proofs.of(id, uri("turn:[2001:db8::1]:3478?transport=udp")), Proof::fails);
  proofs.keep_only(id, {{turn::Protocol::udp, *turn::SocketAddress::parse("[2001:db8::1]:3478")}});
  EXPECT_EQ(proofs.of(id, name), Proof::fails) << "the name has lost the address that worked";
}

TEST(Proofs, OnlyNewsAreNews) {
  Proofs proofs;
  EXPECT_TRUE(proofs.probed(id, probed(turn::Protocol::udp, "192.0.2.1:3478", true)));
  EXPECT_FALSE(proofs.probed(id, probed(turn::Protocol::udp, "192.0.2.1:3478", true)));
  EXPECT_TRUE(proofs.probed(id, probed(turn::Protocol::udp, "192.0.2.1:3478", false)));
  auto own_fault = probed(turn::Protocol::udp, "192.0.2.1:3478", false);
  own_fault.cause = api::Cause::internal;
  proofs.keep_only(Fleet{});
  EXPECT_FALSE(proofs.probed(id, own_fault)) << "a prober without a socket has learned nothing";
  EXPECT_EQ(proofs.of(id, uri("turn:192.0.2.1:3478?transport=udp")), Proof::unproven);
}

TEST(VotesText, NamesEachVantageAndWhatItSays) {
  EXPECT_EQ(votes_text({{.vantage = "eu-1", .usable = true},
                        {.vantage = "us-1", .cause = api::Cause::auth_secret},
                        {.vantage = "ap-1", .blind = true}}),
            "eu-1:ok us-1:auth-secret ap-1:blind");
}

}  // namespace
}  // namespace turnkeeper::monitor
