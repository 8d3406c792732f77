#include "turnkeeper/coturn/config.hpp"

#include <algorithm>
#include <optional>

#include "turnkeeper/coturn/deny_list.hpp"
#include "turnkeeper/coturn/peer_ip.hpp"

namespace turnkeeper::coturn {
namespace {

constexpr Version v4_5_2{4, 5, 2};
constexpr Version v4_6{4, 6, 0};
constexpr Version v4_7{4, 7, 0};
constexpr Version v4_10{4, 10, 0};
constexpr Version v4_17{4, 17, 0};

class ConfigText {
 public:
  void flag(const char* name) { text_ += std::string(name) + "\n"; }
  void set(const char* name, const std::string& value) { text_ += std::string(name) + "=" + value + "\n"; }
  void set(const char* name, std::uint64_t value) { set(name, std::to_string(value)); }
  void limit(const char* name, std::uint64_t value) {
    if (value > 0) set(name, value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_ = "# Written by Turnkeeper for each start of this relay.\n";
};

// coturn trims values and ends them at the line's end: anything else in one would say something different.
bool plain(const std::string& value) {
  return !value.empty() && std::all_of(value.begin(), value.end(),
                                       [](unsigned char c) { return c > ' ' && c < 0x7f && c != '#' && c != '"'; });
}

Result<> check_ports(const Settings& settings) {
  const api::Ports& ports = settings.ports;
  if (ports.relay_min == 0 || ports.relay_min > ports.relay_max) {
    return fail("ports.relayMin must be from 1 to ports.relayMax");
  }
  const auto check = [&](const std::string& name, std::uint16_t port) -> Result<> {
    if (port == 0) return fail(name + " must not be 0");
    if (port >= ports.relay_min && port <= ports.relay_max) {
      return fail(name + " " + std::to_string(port) + " is inside the range of relayed ports",
                  "take it out of ports.relayMin to ports.relayMax");
    }
    return {};
  };
  if (auto ok = check("ports.turn", ports.turn); !ok) return ok;
  return offers_encryption(settings) ? check("ports.turns", ports.turns) : Result<>();
}

Result<> check(const Settings& settings) {
  if (!plain(settings.realm) || settings.realm.size() > 127) {
    return fail("realm \"" + settings.realm + "\" is not usable", "use a domain name, such as turn.example.org");
  }
  if (!plain(settings.database) || !plain(settings.pid_file)) {
    return fail("the paths of the database and the pid file must be set, without white space, quotes or #");
  }
  if (settings.transports.empty()) return fail("transports is empty", "name UDP, TCP, TLS or DTLS");
  if (offers_encryption(settings) && (!plain(settings.tls.certificate) || !plain(settings.tls.key))) {
    return fail("TLS and DTLS need a certificate and its key", "give them, or take TLS and DTLS out of transports");
  }
  return check_ports(settings);
}

struct ParsedAddress {
  IpAddress inside;
  std::optional<IpAddress> outside;
};

Result<std::vector<ParsedAddress>> parse_addresses(const std::vector<OwnAddress>& addresses) {
  std::vector<ParsedAddress> parsed;
  for (const OwnAddress& own : addresses) {
    const auto inside = parse_address(own.address);
    if (!inside) return fail(inside.error().within("the relay's address"));
    parsed.push_back({*inside, {}});
    if (own.public_address.empty()) continue;
    const auto outside = parse_address(own.public_address);
    if (!outside) return fail(outside.error().within("the relay's public address"));
    if (outside->v6 != inside->v6) {
      return fail("the relay's address " + own.address + " and its public address " + own.public_address +
                  " are of different families");
    }
    if (*outside != *inside) parsed.back().outside = *outside;
  }
  if (parsed.empty()) return fail("the relay has no address");
  if (parsed.size() > 2 || (parsed.size() == 2 && parsed[0].inside.v6 == parsed[1].inside.v6)) {
    return fail("the relay has more than one address of a family", "give one IPv4 address, one IPv6 address, or both");
  }
  return parsed;
}

// The releases that changed each of these are in coturn's ChangeLog; an option it does not know is only a warning in
// its log, so the wrong word here would leave a door open without stopping the relay.
void harden(ConfigText& out, Version version) {
  out.flag("no-multicast-peers");
  out.flag("no-tcp-relay");
  out.set("stale-nonce", 600);
  if (version < v4_10) out.flag("no-cli");
  if (version < v4_7) {
    out.flag("no-tlsv1");
    out.flag("no-tlsv1_1");
    out.flag("no-software-attribute");
  }
  if (version >= v4_6 && version < v4_7) {
    out.flag("no-rfc5780");
    out.flag("no-stun-backward-compatibility");
    out.flag("response-origin-only-with-rfc5780");
  }
  if (version >= v4_5_2) {
    // Address lists in the database: ours has none, so coturn need not poll it for them.
    out.flag("no-dynamic-ip-list");
  }
}

void serve_transports(ConfigText& out, const Settings& settings, Version version) {
  using api::Transport;
  if (!offers(settings, Transport::udp)) out.flag("no-udp");
  if (!offers(settings, Transport::tcp)) out.flag("no-tcp");
  if (!offers(settings, Transport::tls)) out.flag("no-tls");
  if (version < v4_17) {
    if (!offers(settings, Transport::dtls)) out.flag("no-dtls");
  } else if (offers(settings, Transport::dtls)) {
    out.flag("dtls");  // off until asked for
  }
  if (!offers_encryption(settings)) return;
  out.set("tls-listening-port", settings.ports.turns);
  out.set("cert", settings.tls.certificate);
  out.set("pkey", settings.tls.key);
  out.set("cipher-list", "ECDHE+AESGCM:ECDHE+CHACHA20");  // of (D)TLS 1.2; all of TLS 1.3 are good
}

}  // namespace

bool offers(const Settings& settings, api::Transport transport) {
  return std::ranges::find(settings.transports, transport) != settings.transports.end();
}

bool offers_encryption(const Settings& settings) {
  return offers(settings, api::Transport::tls) || offers(settings, api::Transport::dtls);
}

Result<std::string> render(const Settings& settings, Version version) {
  if (auto ok = check(settings); !ok) return fail(ok.error());
  const auto addresses = parse_addresses(settings.addresses);
  if (!addresses) return fail(addresses.error());
  std::vector<IpAddress> own;
  for (const auto& [inside, outside] : *addresses) {
    own.push_back(inside);
    if (outside) own.push_back(*outside);
  }
  const auto policy = peer_policy(settings.peers.deny, settings.peers.allow, own);
  if (!policy) return fail(policy.error());

  ConfigText out;
  for (const auto& [inside, outside] : *addresses) {
    out.set("listening-ip", inside.text());
    out.set("relay-ip", inside.text());
    // The bare form, without the address inside, would apply to both families.
    if (outside) out.set("external-ip", outside->text() + "/" + inside.text());
  }
  out.set("listening-port", settings.ports.turn);
  out.set("min-port", settings.ports.relay_min);
  out.set("max-port", settings.ports.relay_max);
  serve_transports(out, settings, version);
  // RFC 8656 makes IPv4 the default of every Allocate; a relay without it could serve none of today's clients.
  if (addresses->size() == 1 && addresses->front().inside.v6) {
    if (version >= v4_6) {
      out.set("allocation-default-address-family", "keep");
    } else {
      out.flag("keep-address-family");
    }
  }

  out.set("realm", settings.realm);
  out.flag("use-auth-secret");
  out.set("userdb", settings.database);

  out.limit("user-quota", settings.limits.sessions_per_user);
  out.limit("total-quota", settings.limits.sessions);
  out.limit("max-bps", settings.limits.bits_per_second_per_session / 8);
  out.limit("bps-capacity", settings.limits.bits_per_second / 8);

  out.set("log-file", "stdout");
  out.set("pidfile", settings.pid_file);

  harden(out, version);
  // Without it coturn refuses its own address too. The deny list still refuses the rest of 127.0.0.0/8.
  if (std::ranges::any_of(own, is_loopback)) out.flag("allow-loopback-peers");
  for (const AddressRange& range : policy->denied) {
    for (const std::string& value : peer_ip_values(range)) out.set("denied-peer-ip", value);
  }
  for (const AddressRange& range : policy->allowed) {
    for (const std::string& value : peer_ip_values(range)) out.set("allowed-peer-ip", value);
  }
  return out.take();
}

}  // namespace turnkeeper::coturn
