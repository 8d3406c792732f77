#include "monitor/service/agent_state.hpp"

#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;

constexpr std::size_t most_keys = 16;
constexpr std::size_t longest_text = 128;

class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  template <class Number>
  void number(const char* name, std::optional<Number>& to) {
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
      return wrong(name);
    }
    to = found->get<Number>();
  }
  void text(const char* name, std::string& to) {
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    if (!found->is_string() || found->get_ref<const std::string&>().size() > longest_text) return wrong(name);
    to = found->get<std::string>();
  }
  void flag(const char* name, bool& to) {
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    if (!found->is_boolean()) return wrong(name);
    to = found->get<bool>();
  }
  void texts(const char* name, std::vector<std::string>& to) {
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    if (!found->is_array() || found->size() > most_keys) return wrong(name);
    for (const auto& item : *found) {
      if (!item.is_string() || item.get_ref<const std::string&>().size() > longest_text) return wrong(name);
      to.push_back(item.get<std::string>());
    }
  }

  [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

 private:
  void wrong(const char* name) {
    if (wrong_.empty()) wrong_ = name;
  }
  const json& object_;
  std::string wrong_;
};

}  // namespace

Result<AgentState> parse_agent_state(std::string_view text) {
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) return fail("the agent's state is no JSON object");
  AgentState state;
  std::optional<std::uint32_t> starts;
  Fields fields(object);
  fields.number("sessions", state.sessions);
  fields.number("sentBytes", state.sent_bytes);
  fields.number("receivedBytes", state.received_bytes);
  fields.number("bitsPerSecond", state.bits_per_second);
  fields.texts("keys", state.keys);
  fields.text("configHash", state.config_hash);
  fields.text("version", state.version);
  fields.flag("draining", state.draining);
  fields.number("starts", starts);
  fields.text("certificateSerial", state.certificate_serial);
  if (!fields.first_wrong().empty()) return fail("the agent's state has no usable " + fields.first_wrong());
  state.starts = starts.value_or(0);
  return state;
}

}  // namespace turnkeeper::monitor
