#include "agent/metrics_text.hpp"

#include "turnkeeper/base/version.hpp"

namespace turnkeeper::agent {
namespace {

std::string family(const std::string& name, const std::string& type, const std::string& help, const std::string& labels,
                   int value) {
  return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n" + name + labels + " " +
         std::to_string(value) + "\n";
}

}  // namespace

std::string metrics_text(const Metrics& metrics) {
  const std::string versions =
      "{version=\"" + std::string(version()) + "\",coturn_version=\"" + metrics.coturn.text() + "\"}";
  std::string text = family("turnkeeper_agent_info", "gauge", "The agent and the coturn it runs.", versions, 1);
  if (metrics.sessions >= 0) {
    text += family("turnkeeper_relay_sessions", "gauge", "Live allocations, those of probes included.", "",
                   metrics.sessions);
  }
  text += family("turnkeeper_relay_starts_total", "counter", "Starts of coturn, the first included.", "",
                 metrics.relay_starts);
  text += family("turnkeeper_relay_draining", "gauge", "1 while the relay refuses new allocations in order to end.", "",
                 metrics.draining ? 1 : 0);
  text += family("turnkeeper_agent_signing_keys", "gauge", "Signing keys that the relay accepts.", "",
                 metrics.signing_keys);
  return text;
}

}  // namespace turnkeeper::agent
