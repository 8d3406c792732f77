#include "turnkeeper/turn/uri.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "turnkeeper/turn/socket_address.hpp"

namespace turnkeeper::turn {
namespace {

struct SchemeName {
  std::string_view name;
  Uri::Scheme scheme;
  std::uint16_t default_port;
};

constexpr std::array<SchemeName, 4> schemes{{
    {"stun", Uri::Scheme::stun, 3478},
    {"stuns", Uri::Scheme::stuns, 5349},
    {"turn", Uri::Scheme::turn, 3478},
    {"turns", Uri::Scheme::turns, 5349},
}};

const SchemeName& entry_of(Uri::Scheme scheme) {
  return *std::find_if(schemes.begin(), schemes.end(), [&](const auto& entry) { return entry.scheme == scheme; });
}

constexpr const char* advice = "write it as turn:turn.example.org:3478?transport=udp or stun:turn.example.org:3478";

auto wrong(std::string_view text, const std::string& what) {
  return fail("\"" + std::string(text) + "\": " + what, advice);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// RFC 3986 reg-name, without percent-encoding, which no resolver would understand.
bool is_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
}

}  // namespace

Result<Uri> Uri::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return wrong(text, "no scheme");
  const auto name = text.substr(0, colon);
  const auto scheme = std::find_if(schemes.begin(), schemes.end(),
                                   [&](const auto& entry) { return equal_ignoring_case(entry.name, name); });
  if (scheme == schemes.end()) return wrong(text, "unknown scheme \"" + std::string(name) + "\"");

  Uri uri;
  uri.scheme = scheme->scheme;
  auto rest = text.substr(colon + 1);
  if (rest.starts_with("//")) return wrong(text, "these URIs have no //");

  if (const auto query = rest.find('?'); query != std::string_view::npos) {
    const auto parameter = rest.substr(query + 1);
    rest = rest.substr(0, query);
    if (uri.scheme == Scheme::stun || uri.scheme == Scheme::stuns) {
      return wrong(text, "a " + std::string(scheme->name) + " URI takes no parameter");
    }
    constexpr std::string_view key = "transport=";
    if (!parameter.starts_with(key)) return wrong(text, "the only parameter is transport=udp or transport=tcp");
    const auto value = parameter.substr(key.size());
    if (equal_ignoring_case(value, "udp")) {
      uri.transport = Transport::udp;
    } else if (equal_ignoring_case(value, "tcp")) {
      uri.transport = Transport::tcp;
    } else {
      return wrong(text, "unknown transport \"" + std::string(value) + "\"");
    }
  }

  std::string_view digits;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const auto bracket = rest.find(']');
    if (bracket == std::string_view::npos) return wrong(text, "no ] behind the IPv6 address");
    uri.host = rest.substr(1, bracket - 1);
    const auto address = SocketAddress::from_ip(uri.host, 0);
    if (!address || address->family() != SocketAddress::Family::ipv6) {
      return wrong(text, "\"" + uri.host + "\" is not an IPv6 address");
    }
    const auto behind = rest.substr(bracket + 1);
    if (!behind.empty() && behind.front() != ':') return wrong(text, "unexpected text behind ]");
    has_port = !behind.empty();
    if (has_port) digits = behind.substr(1);
  } else {
    const auto separator = rest.find(':');
    uri.host = rest.substr(0, separator);
    has_port = separator != std::string_view::npos;
    if (has_port) digits = rest.substr(separator + 1);
    if (has_port && digits.find(':') != std::string_view::npos) {
      return wrong(text, "an IPv6 address needs brackets");
    }
    if (uri.host.empty()) return wrong(text, "no host");
    if (!std::all_of(uri.host.begin(), uri.host.end(), is_host_character)) {
      return wrong(text, "bad host \"" + uri.host + "\"");
    }
  }

  if (has_port) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
      return wrong(text, "bad port \"" + std::string(digits) + "\"");
    }
    uri.port = port;
  }
  return uri;
}

std::string Uri::to_string() const {
  std::string text(entry_of(scheme).name);
  text += ':';
  text += host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port) text += ':' + std::to_string(*port);
  if (transport == Transport::udp) text += "?transport=udp";
  if (transport == Transport::tcp) text += "?transport=tcp";
  return text;
}

std::uint16_t Uri::default_port() const {
  return entry_of(scheme).default_port;
}

std::optional<Protocol> Uri::protocol() const {
  switch (scheme) {
    case Scheme::stun:
      return Protocol::udp;
    case Scheme::stuns:
      return Protocol::tls;
    case Scheme::turn:
      if (transport == Transport::unspecified) return std::nullopt;
      return transport == Transport::udp ? Protocol::udp : Protocol::tcp;
    case Scheme::turns:
      if (transport == Transport::unspecified) return std::nullopt;
      return transport == Transport::udp ? Protocol::dtls : Protocol::tls;
  }
  return std::nullopt;
}

}  // namespace turnkeeper::turn
