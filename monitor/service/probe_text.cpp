#include "monitor/service/probe_text.hpp"

#include <cstdio>

#include "turnkeeper/api/health.hpp"

namespace turnkeeper::monitor {
namespace {

std::string decimal(double value) {
  char text[48];
  (void)std::snprintf(text, sizeof text, "%.9f", value);
  return text;
}

std::string seconds(std::chrono::nanoseconds time) {
  return decimal(std::chrono::duration<double>(time).count());
}

class Text {
 public:
  void family(const std::string& name, const std::string& help) {
    name_ = name;
    text_ += "# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n";
  }
  void sample(const std::string& value, const std::string& labels = {}) {
    text_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
  }
  void one(const std::string& name, const std::string& help, const std::string& value) {
    family(name, help);
    sample(value);
  }
  void cause(const std::string& name, const std::string& help, api::Cause cause) {
    family(name, help);
    sample("1", "cause=\"" + std::string(api::cause_name(cause)) + "\"");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace

std::string probe_text(const ProbeResult& result, const PathReport* checks) {
  const bool found = checks != nullptr && !checks->findings.empty();
  Text text;
  text.one("probe_success", "Whether the relay could be used from end to end.", result.ok && !found ? "1" : "0");
  text.one("probe_duration_seconds", "How long the whole probe took.", seconds(result.total));
  if (!result.phases.empty()) {
    text.family("probe_phase_duration_seconds", "How long each phase that was reached took.");
    for (const auto& [phase, took] : result.phases) {
      text.sample(seconds(took), "phase=\"" + std::string(phase_name(phase)) + "\"");
    }
  }
  if (!result.ok) {
    text.cause("probe_failure", "1, with the reason why the probe failed.", result.cause);
  } else if (found) {
    text.family("probe_failure", "1, with the reason why the probe failed.");
    for (const auto& finding : checks->findings) {
      text.sample("1", "cause=\"" + std::string(api::cause_name(finding.cause)) + "\"");
    }
  } else if (result.cause != api::Cause::none) {
    text.cause("probe_degraded", "1, with what is wrong although the relay works.", result.cause);
  }
  if (!result.server.empty()) {
    const bool ipv4 = result.endpoint.address.family() == turn::SocketAddress::Family::ipv4;
    text.one("probe_ip_protocol", "The IP version that was used: 4 or 6.", ipv4 ? "4" : "6");
  }
  if (result.certificate) {
    text.one("probe_ssl_earliest_cert_expiry", "When the relay's certificate ends, in Unix time.",
             std::to_string(unix_seconds(result.certificate->not_after)));
  }
  if (!result.tls_version.empty()) {
    text.family("probe_tls_version_info", "The version of (D)TLS that was agreed on.");
    text.sample("1", "version=\"" + result.tls_version + "\"");
  }
  if (const auto& flow = result.throughput) {
    text.one("probe_throughput_bytes_per_second", "Payload that came back.", decimal(flow->bits_per_second() / 8));
    text.one("probe_throughput_loss_ratio", "The share of packets that did not come back.", decimal(flow->loss()));
  }
  if (result.mtu) {
    text.one("probe_mtu_bytes", "The largest IP packet that passed.", std::to_string(result.mtu->bytes));
  }
  return text.take();
}

}  // namespace turnkeeper::monitor
