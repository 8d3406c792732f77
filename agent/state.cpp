#include "agent/state.hpp"

#include <nlohmann/json.hpp>

namespace turnkeeper::agent {
namespace {

using nlohmann::json;

template <class Number>
void set(json& document, const char* name, const std::optional<Number>& value) {
  if (value) document[name] = *value;
}

void set(json& document, const char* name, const std::string& value) {
  if (!value.empty()) document[name] = value;
}

}  // namespace

std::string state_json(const State& state) {
  json document = {
      {"keys", state.keys}, {"version", state.coturn.text()}, {"draining", state.draining}, {"starts", state.starts}};
  set(document, "sessions", state.sessions);
  set(document, "sentBytes", state.sent_bytes);
  set(document, "receivedBytes", state.received_bytes);
  set(document, "bitsPerSecond", state.bits_per_second);
  set(document, "configHash", state.config_hash);
  set(document, "certificateSerial", state.certificate_serial);
  set(document, "problem", state.problem);
  // A broken line of coturn's log must not take the whole answer along.
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace turnkeeper::agent
