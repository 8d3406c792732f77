#include "monitor/service/probe_text.hpp"

#include <cstdio>

#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {
namespace {

std::string seconds(std::chrono::nanoseconds time) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.9f", std::chrono::duration<double>(time).count());
  return text;
}

std::string family(const std::string& name, const std::string& help) {
  return "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n";
}

}  // namespace

std::string probe_text(const ProbeResult& result) {
  std::string text = family("probe_success", "Whether the relay could be used from end to end.");
  text += std::string("probe_success ") + (result.ok ? "1" : "0") + "\n";
  text += family("probe_duration_seconds", "How long the whole probe took.");
  text += "probe_duration_seconds " + seconds(result.total) + "\n";
  if (!result.phases.empty()) {
    text += family("probe_phase_duration_seconds", "How long each phase that was reached took.");
    for (const auto& [phase, took] : result.phases) {
      text += "probe_phase_duration_seconds{phase=\"" + std::string(phase_name(phase)) + "\"} " + seconds(took) + "\n";
    }
  }
  if (!result.ok) {
    text += family("probe_failure", "1, with the reason why the probe failed.");
    text += "probe_failure{cause=\"" + std::string(api::cause_name(result.cause)) + "\"} 1\n";
  }
  return text;
}

}  // namespace turnkeeper::monitor
