#include "agent/relay_config.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/json_fields.hpp"

namespace turnkeeper::agent {
namespace {

constexpr std::array transports{std::pair{"UDP", api::Transport::udp}, std::pair{"TCP", api::Transport::tcp},
                                std::pair{"TLS", api::Transport::tls}, std::pair{"DTLS", api::Transport::dtls}};
constexpr std::array ip_families{std::pair{"IPv4", api::IpFamily::v4}, std::pair{"IPv6", api::IpFamily::v6}};
constexpr std::array address_sources{std::pair{"pod", RelayConfig::AddressFrom::pod},
                                     std::pair{"map", RelayConfig::AddressFrom::map}};

// The values behind these names; complains of a name that is none of them.
template <class Choices, class Value>
void choose(JsonFields& fields, const char* field, const std::vector<std::string>& names, const Choices& choices,
            std::vector<Value>& out) {
  if (!names.empty()) out.clear();
  for (const std::string& name : names) {
    const auto found = std::ranges::find(choices, name, [](const auto& choice) { return choice.first; });
    if (found != choices.end()) {
      out.push_back(found->second);
      continue;
    }
    std::string known;
    for (const auto& choice : choices) known += (known.empty() ? "" : ", ") + std::string(choice.first);
    fields.complain(field, "has \"" + name + "\", which is none of " + known);
  }
}

}  // namespace

Result<RelayConfig> parse_relay_config(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  RelayConfig config;
  std::optional<Error> error;
  JsonFields fields(*document, "", error);
  if (error) return fail(*error);

  fields.text("realm", config.realm);
  fields.object("ports", [&](JsonFields& ports) {
    ports.number("turn", config.ports.turn, 1);
    ports.number("turns", config.ports.turns, 1);
    ports.number("relayMin", config.ports.relay_min, 1);
    ports.number("relayMax", config.ports.relay_max, 1);
  });
  fields.object("limits", [&](JsonFields& limits) {
    limits.number("sessions", config.limits.sessions);
    limits.number("sessionsPerUser", config.limits.sessions_per_user);
    limits.number("bitsPerSecondPerSession", config.limits.bits_per_second_per_session);
    limits.number("bitsPerSecond", config.limits.bits_per_second);
  });
  fields.object("peers", [&](JsonFields& peers) {
    peers.texts("deny", config.peers.deny);
    peers.texts("allow", config.peers.allow);
  });
  const auto choices = [&](const char* name, const auto& known, auto& out) {
    std::vector<std::string> names;
    fields.texts(name, names);
    choose(fields, name, names, known, out);
  };
  choices("transports", transports, config.transports);
  choices("ipFamilies", ip_families, config.ip_families);
  std::string source;
  fields.text("addressFrom", source);
  std::vector sources{config.address_from};
  if (!source.empty()) choose(fields, "addressFrom", {source}, address_sources, sources);
  if (!sources.empty()) config.address_from = sources.front();
  fields.boolean("waitForAddress", config.wait_for_address);
  fields.refuse_others();
  if (config.realm.empty()) fields.complain("realm", "is missing");
  if (error) return fail(*error);
  return config;
}

}  // namespace turnkeeper::agent
