#include "turnkeeper/coturn/config.hpp"

#include <algorithm>

#include "turnkeeper/coturn/deny_list.hpp"

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

Result<> check(const Settings& settings) {
  if (!plain(settings.realm) || settings.realm.size() > 127) {
    return fail("realm \"" + settings.realm + "\" is not usable", "use a domain name, such as turn.example.org");
  }
  if (!plain(settings.database) || !plain(settings.pid_file)) {
    return fail("the paths of the database and the pid file must be set, without white space, quotes or #");
  }
  const api::Ports& ports = settings.ports;
  if (ports.turn == 0) return fail("ports.turn must not be 0");
  if (ports.relay_min == 0 || ports.relay_min > ports.relay_max) {
    return fail("ports.relayMin must be from 1 to ports.relayMax");
  }
  if (ports.turn >= ports.relay_min && ports.turn <= ports.relay_max) {
    return fail("ports.turn " + std::to_string(ports.turn) + " is inside the range of relayed ports",
                "take it out of ports.relayMin to ports.relayMax");
  }
  if (settings.transports.empty()) return fail("transports is empty", "name UDP, TCP or both");
  return {};
}

bool offers(const Settings& settings, api::Transport transport) {
  return std::find(settings.transports.begin(), settings.transports.end(), transport) != settings.transports.end();
}

// The releases that changed each of these are in coturn's ChangeLog; an option it does not know is only a warning in
// its log, so the wrong word here would leave a door open without stopping the relay.
void harden(ConfigText& out, Version version) {
  out.flag("no-multicast-peers");
  out.flag("no-tcp-relay");
  out.set("stale-nonce", 600);
  out.flag("no-tls");
  if (version < v4_17) out.flag("no-dtls");  // from there on DTLS is off until asked for
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
    // Realms and address lists in the database: ours has none, so coturn need not poll it for them.
    out.flag("no-dynamic-ip-list");
    out.flag("no-dynamic-realms");
  }
}

}  // namespace

Result<std::string> render(const Settings& settings, Version version) {
  if (auto ok = check(settings); !ok) return fail(ok.error());
  const auto address = parse_address(settings.address);
  if (!address) return fail(address.error().within("the relay's address"));
  std::vector<Address> own{*address};
  if (!settings.public_address.empty()) {
    const auto outside = parse_address(settings.public_address);
    if (!outside) return fail(outside.error().within("the relay's public address"));
    if (outside->v6 != address->v6) return fail("the relay's address and its public address are of different families");
    if (*outside != *address) own.push_back(*outside);
  }
  const auto policy = peer_policy(settings.peers.deny, settings.peers.allow, own);
  if (!policy) return fail(policy.error());

  ConfigText out;
  out.set("listening-ip", address->text());
  out.set("relay-ip", address->text());
  // The bare form, without the address inside, would apply to both families.
  if (own.size() > 1) out.set("external-ip", own[1].text() + "/" + address->text());
  out.set("listening-port", settings.ports.turn);
  out.set("min-port", settings.ports.relay_min);
  out.set("max-port", settings.ports.relay_max);
  if (!offers(settings, api::Transport::udp)) out.flag("no-udp");
  if (!offers(settings, api::Transport::tcp)) out.flag("no-tcp");
  // RFC 8656 makes IPv4 the default of every Allocate; a relay without it could serve none of today's clients.
  if (address->v6) {
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
  if (is_loopback(*address)) out.flag("allow-loopback-peers");
  for (const AddressRange& range : policy->denied) {
    for (const std::string& value : peer_ip_values(range)) out.set("denied-peer-ip", value);
  }
  for (const AddressRange& range : policy->allowed) {
    for (const std::string& value : peer_ip_values(range)) out.set("allowed-peer-ip", value);
  }
  return out.take();
}

}  // namespace turnkeeper::coturn
