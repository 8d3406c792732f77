#include "turnkeeper/turn/uri.hpp"

#include <gtest/gtest.h>

namespace turnkeeper::turn {
namespace {

TEST(Uri, ExamplesOfTheRfcsAreRead) {
  // RFC 7064 appendix B, RFC 7065 appendix B.
  const auto uri = [](Uri::Scheme scheme, const char* host, std::optional<std::uint16_t> port,
                      Uri::Transport transport) {
    return Uri{scheme, host, port, transport};
  };
  using S = Uri::Scheme;
  using T = Uri::Transport;
  EXPECT_EQ(*Uri::parse("stun:example.org"), uri(S::stun, "example.org", std::nullopt, T::unspecified));
  EXPECT_EQ(*Uri::parse("stuns:example.org"), uri(S::stuns, "example.org", std::nullopt, T::unspecified));
  EXPECT_EQ(*Uri::parse("stun:example.org:8000"), uri(S::stun, "example.org", 8000, T::unspecified));
  EXPECT_EQ(*Uri::parse("turn:example.org"), uri(S::turn, "example.org", std::nullopt, T::unspecified));
  EXPECT_EQ(*Uri::parse("turns:example.org"), uri(S::turns, "example.org", std::nullopt, T::unspecified));
  EXPECT_EQ(*Uri::parse("turn:example.org:8000"), uri(S::turn, "example.org", 8000, T::unspecified));
  EXPECT_EQ(*Uri::parse("turn:example.org?transport=udp"), uri(S::turn, "example.org", std::nullopt, T::udp));
  EXPECT_EQ(*Uri::parse("turn:example.org?transport=tcp"), uri(S::turn, "example.org", std::nullopt, T::tcp));
  EXPECT_EQ(*Uri::parse("turns:example.org?transport=tcp"), uri(S::turns, "example.org", std::nullopt, T::tcp));
  EXPECT_EQ(*Uri::parse("TURN:192.0.2.1:1?transport=UDP"), uri(S::turn, "192.0.2.1", 1, T::udp));
  EXPECT_EQ(*Uri::parse("turn:[2001:db8::1]:443"), uri(S::turn, "2001:db8::1", 443, T::unspecified));
}

TEST(Uri, TextFormIsReadBack) {
  for (const char* text : {"turns:example.org", "turn:192.0.2.1?transport=tcp", "stun:example.org:3478",
                           "turn:[2001:db8::1]:443?transport=udp", "turns:a.b:5349?transport=tcp"}) {
    EXPECT_EQ(Uri::parse(text)->to_string(), text);
  }
}

TEST(Uri, WithoutAPortTheSchemeHasOne) {
  EXPECT_EQ(Uri::parse("turn:example.org")->default_port(), 3478);
  EXPECT_EQ(Uri::parse("stun:example.org")->default_port(), 3478);
  EXPECT_EQ(Uri::parse("turns:example.org")->default_port(), 5349);
  EXPECT_EQ(Uri::parse("stuns:example.org")->default_port(), 5349);
}

TEST(Uri, SchemeAndTransportTellTheProtocol) {
  const auto protocol = [](const char* text) { return Uri::parse(text)->protocol(); };
  EXPECT_EQ(protocol("turn:example.org?transport=udp"), Protocol::udp);
  EXPECT_EQ(protocol("turn:example.org?transport=tcp"), Protocol::tcp);
  EXPECT_EQ(protocol("turns:example.org?transport=tcp"), Protocol::tls);
  EXPECT_EQ(protocol("turns:example.org?transport=udp"), Protocol::dtls);
  EXPECT_EQ(protocol("stun:example.org"), Protocol::udp);
  EXPECT_EQ(protocol("stuns:example.org"), Protocol::tls);
  EXPECT_EQ(protocol("turn:example.org"), std::nullopt);
  EXPECT_EQ(protocol("turns:example.org"), std::nullopt);
}

TEST(Uri, ErrorsNameTheWrongPart) {
  const auto message = [](const char* text) {
    const auto uri = Uri::parse(text);
    return uri ? "accepted as " + uri->to_string() : uri.error().message;
  };
  const auto says = [&](const char* text, const char* what) {
    EXPECT_NE(message(text).find(what), std::string::npos) << message(text);
  };
  says("", "no scheme");
  says("example.org", "no scheme");
  says("http:example.org", "unknown scheme \"http\"");
  says("turn://example.org", "no //");
  says("turn:", "no host");
  says("turn::3478", "no host");
  says("turn:?transport=udp", "no host");
  says("turn:exa mple.org", "bad host");
  says("turn:user@example.org", "bad host");
  says("turn:example.org:0", "bad port \"0\"");
  says("turn:example.org:", "bad port");
  says("turn:example.org:65536", "bad port \"65536\"");
  says("turn:example.org:12a", "bad port");
  says("turn:2001:db8::1", "needs brackets");
  says("turn:[2001:db8::1", "no ]");
  says("turn:[2001:db8::1]443", "unexpected text behind ]");
  says("turn:[192.0.2.1]:1", "not an IPv6 address");
  says("turn:example.org?transport=sctp", "unknown transport \"sctp\"");
  says("turn:example.org?foo=bar", "the only parameter");
  says("stun:example.org?transport=udp", "takes no parameter");
}

}  // namespace
}  // namespace turnkeeper::turn
