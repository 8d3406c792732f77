#include "agent/relay_config.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace turnkeeper::agent {
namespace {

using nlohmann::json;

constexpr const char* who_writes_it = "the operator writes this file; its version and the agent's should be the same";

// One object of the document: takes its fields one by one, remembers the first error, and at the end knows which fields
// nobody asked for.
class Fields {
 public:
  Fields(const json& object, std::string path, std::optional<Error>& error)
      : object_(object), path_(std::move(path)), error_(error) {
    if (!object_.is_object()) complain(path_.empty() ? "the document" : path_, "must be an object");
  }

  template <class Number>
  void number(const char* name, Number& out, std::uint64_t minimum = 0) {
    const json* value = find(name);
    if (value == nullptr) return;
    const std::uint64_t maximum = std::numeric_limits<Number>::max();
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() < minimum ||
        value->get<std::uint64_t>() > maximum) {
      complain(within(name),
               "must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
      return;
    }
    out = value->get<Number>();
  }
  void text(const char* name, std::string& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return complain(within(name), "must be a string");
    out = value->get<std::string>();
  }
  void texts(const char* name, std::vector<std::string>& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    const auto is_text = [](const json& element) { return element.is_string(); };
    if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) {
      return complain(within(name), "must be a list of strings");
    }
    out = value->get<std::vector<std::string>>();
  }
  template <class Read>
  void object(const char* name, Read read) {
    const json* value = find(name);
    if (value == nullptr) return;
    Fields fields(*value, within(name), error_);
    if (error_) return;
    read(fields);
    fields.refuse_others();
  }
  void refuse_others() {
    if (error_) return;
    for (const auto& [name, value] : object_.items()) {
      if (!known_.contains(name)) complain(within(name), "is not a known field");
    }
  }
  void complain(const std::string& where, const std::string& what) {
    if (!error_) error_ = Error{where + " " + what, who_writes_it};
  }

 private:
  [[nodiscard]] std::string within(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }
  const json* find(const char* name) {
    known_.insert(name);
    const auto found = object_.find(name);
    return error_ || found == object_.end() ? nullptr : &*found;
  }

  const json& object_;
  std::string path_;
  std::optional<Error>& error_;
  std::set<std::string> known_;
};

std::optional<api::Transport> transport_of(const std::string& name) {
  if (name == "UDP") return api::Transport::udp;
  if (name == "TCP") return api::Transport::tcp;
  return std::nullopt;
}

}  // namespace

Result<RelayConfig> parse_relay_config(std::string_view text) {
  json document;
  try {
    document = json::parse(text);
  } catch (const json::parse_error& error) {
    return fail(std::string("not JSON: ") + error.what(), who_writes_it);
  }
  RelayConfig config;
  std::optional<Error> error;
  Fields fields(document, "", error);
  if (error) return fail(*error);

  fields.text("realm", config.realm);
  fields.object("ports", [&](Fields& ports) {
    ports.number("turn", config.ports.turn, 1);
    ports.number("relayMin", config.ports.relay_min, 1);
    ports.number("relayMax", config.ports.relay_max, 1);
  });
  fields.object("limits", [&](Fields& limits) {
    limits.number("sessions", config.limits.sessions);
    limits.number("sessionsPerUser", config.limits.sessions_per_user);
    limits.number("bitsPerSecondPerSession", config.limits.bits_per_second_per_session);
    limits.number("bitsPerSecond", config.limits.bits_per_second);
  });
  fields.object("peers", [&](Fields& peers) {
    peers.texts("deny", config.peers.deny);
    peers.texts("allow", config.peers.allow);
  });
  std::vector<std::string> transports;
  fields.texts("transports", transports);
  if (!transports.empty()) config.transports.clear();
  for (const std::string& name : transports) {
    const auto transport = transport_of(name);
    if (transport) {
      config.transports.push_back(*transport);
    } else {
      fields.complain("transports", "has \"" + name + "\", which is neither UDP nor TCP");
    }
  }
  fields.refuse_others();
  if (config.realm.empty()) fields.complain("realm", "is missing");
  if (error) return fail(*error);
  return config;
}

}  // namespace turnkeeper::agent
