#include "agent/metrics_text.hpp"

#include <initializer_list>
#include <utility>

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::agent {
namespace {

using Labels = std::initializer_list<std::pair<const char*, std::string>>;

std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text;
}

class Exposition {
 public:
  void family(const std::string& name, const char* type, const char* help) {
    name_ = "turnkeeper_" + name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
  }
  void sample(const std::string& value, Labels labels = {}) {
    std::string inside;
    for (const auto& [name, label] : labels) {
      inside += (inside.empty() ? "" : ",") + std::string(name) + "=\"" + escaped(label) + "\"";
    }
    text_ += name_ + (inside.empty() ? "" : "{" + inside + "}") + " " + value + "\n";
  }
  template <class Number>
  void single(const std::string& name, const char* type, const char* help, Number value) {
    family(name, type, help);
    sample(std::to_string(value));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace

std::string metrics_text(const State& state) {
  Exposition out;
  out.family("agent_info", "gauge", "The agent and the coturn it runs.");
  out.sample("1", {{"version", std::string(version())}, {"coturn_version", state.coturn.text()}});
  out.family("agent_config_info", "gauge", "The fingerprint of the configuration that the relay runs with.");
  out.sample("1", {{"hash", state.config_hash}});
  out.single("agent_signing_keys", "gauge", "Signing keys that the relay accepts.", state.keys.size());
  out.family("agent_signing_key_info", "gauge", "The ids of the signing keys that the relay accepts.");
  for (const std::string& key : state.keys) out.sample("1", {{"key", key}});
  if (state.sessions) {
    out.single("relay_sessions", "gauge", "Live allocations, those of probes included.", *state.sessions);
  }
  if (state.sent_bytes && state.received_bytes) {
    out.family("relay_bytes_total", "counter", "Bytes through the relay's network interfaces since the agent's start.");
    out.sample(std::to_string(*state.sent_bytes), {{"direction", "sent"}});
    out.sample(std::to_string(*state.received_bytes), {{"direction", "received"}});
  }
  if (state.bits_per_second) {
    out.single("relay_bits_per_second", "gauge", "Sent and received, averaged over the last minute.",
               *state.bits_per_second);
  }
  out.single("relay_starts_total", "counter", "Starts of coturn, the first included.", state.starts);
  out.single("relay_running", "gauge", "1 while coturn runs; 0 while it waits or crashed.", state.running ? 1 : 0);
  out.single("relay_draining", "gauge", "1 while the relay refuses new allocations in order to end.",
             state.draining ? 1 : 0);
  if (!state.certificate_serial.empty()) {
    out.family("agent_certificate_info", "gauge", "The serial number of the certificate that coturn loaded last.");
    out.sample("1", {{"serial", state.certificate_serial}});
  }
  if (state.certificate_expires) {
    out.single("agent_certificate_expiry_timestamp_seconds", "gauge", "When that certificate expires.",
               unix_seconds(*state.certificate_expires));
  }
  return out.take();
}

}  // namespace turnkeeper::agent
