#include "cli/probe_report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/text.hpp"

namespace turnkeeper::cli {
namespace {

using monitor::Phase;
using nlohmann::json;

std::string row(const std::string& name, const std::vector<std::string>& cells) {
  std::string line = "  " + name;
  line.resize(std::max<std::size_t>(line.size() + 1, 13), ' ');
  for (const auto& cell : cells) line += std::string(cell.size() < 10 ? 10 - cell.size() : 1, ' ') + cell;
  return line + '\n';
}

std::string percent(double share) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string megabits(double bits_per_second) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.2f Mbit/s", bits_per_second / 1e6);
  return text;
}

double as_ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Negative: it is over.
long days_left(const monitor::ProbeResult& result) {
  return std::chrono::floor<std::chrono::days>(result.certificate->not_after - result.finished).count();
}

// The path checks' first finding counts where the probe itself found nothing.
monitor::Diagnosis diagnosis(const ProbeReport& report) {
  if (report.result.cause == api::Cause::none && report.checks && !report.checks->findings.empty()) {
    return report.checks->findings.front();
  }
  return {report.result.cause, report.result.detail};
}

}  // namespace

bool is_good(const ProbeReport& report) {
  return report.result.ok && (!report.checks || report.checks->findings.empty());
}

std::string probe_table(const ProbeReport& report) {
  const auto& result = report.result;
  std::string text = printable(report.uri.to_string());
  if (!result.server.empty()) text += " at " + result.endpoint.to_string();
  text += '\n';
  for (const auto& [phase, time] : result.phases) text += row(std::string(phase_name(phase)), {milliseconds(time)});
  text += row("total", {milliseconds(result.total)});
  if (!result.relayed_address.empty()) text += "  relayed address " + result.relayed_address + '\n';
  if (result.mapped_address) text += "  seen there as  " + result.mapped_address->to_string() + '\n';
  if (result.by_pair) text += "  echo between two allocations: the relay refuses its own address as a peer\n";
  if (!result.tls_version.empty()) {
    text += "  " + printable(result.tls_version) + (result.resumed ? ", resumed" : "") + '\n';
  }
  if (result.certificate) {
    text += "  certificate of " + printable(result.certificate->subject) + ", " + std::to_string(days_left(result)) +
            " days left\n";
  }
  if (result.mtu) text += "  packets of up to " + std::to_string(result.mtu->bytes) + " bytes pass\n";
  if (const auto& flow = result.throughput) {
    text += "  " + megabits(flow->bits_per_second()) + " came back, " + percent(flow->loss()) + " of " +
            std::to_string(flow->sent) + " packets of " + std::to_string(flow->size) + " bytes lost\n";
  }
  if (const auto& checks = report.checks) {
    text += "  " + std::to_string(checks->answered) + " of " + std::to_string(checks->asked) +
            " path checks answered, " + std::to_string(checks->findings.size()) + " findings\n";
    for (const auto& finding : checks->findings) {
      text += "  " + std::string(api::cause_name(finding.cause)) + ": " + printable(finding.detail) + '\n';
    }
  }
  return text;
}

std::string probe_verdict(const ProbeReport& report) {
  const auto [cause, detail] = diagnosis(report);
  std::string what(api::cause_name(cause));
  if (!detail.empty()) what += ": " + printable(detail);
  if (!report.result.ok) return "fails: " + what;
  if (cause != api::Cause::none) return "works, but " + what;
  return "works: an allocation was made, heard its own echo and was released";
}

std::string probe_advice(const ProbeReport& report) {
  const auto cause = diagnosis(report).cause;
  const auto anchor = api::runbook_anchor(cause);
  return anchor.empty() ? std::string() : std::string(api::cause_advice(cause)) + " (" + anchor + ")";
}

json probe_json(const ProbeReport& report) {
  const auto& result = report.result;
  json phases = json::object();
  for (const auto& [phase, time] : result.phases) phases[std::string(phase_name(phase))] = as_ms(time);
  const auto [cause, detail] = diagnosis(report);
  json out = {{"uri", report.uri.to_string()},
              {"transport", protocol_name(result.endpoint.protocol)},
              {"ok", result.ok},
              {"cause", api::cause_name(cause)},
              {"detail", printable(detail)},
              {"advice", api::cause_advice(cause)},
              {"phasesMs", std::move(phases)},
              {"totalMs", as_ms(result.total)},
              {"finished", rfc3339(result.finished)}};
  if (!result.server.empty()) out["server"] = result.server;
  if (!result.relayed_address.empty()) out["relayedAddress"] = result.relayed_address;
  if (result.mapped_address) out["mappedAddress"] = result.mapped_address->to_string();
  if (result.redirected_to) out["redirectedTo"] = result.redirected_to->to_string();
  if (result.by_pair) out["byPair"] = true;
  if (!result.tls_version.empty()) out["tls"] = {{"version", result.tls_version}, {"resumed", result.resumed}};
  if (result.certificate) {
    out["certificate"] = {{"subject", printable(result.certificate->subject)},
                          {"notAfter", rfc3339(result.certificate->not_after)},
                          {"daysLeft", days_left(result)}};
  }
  if (result.mtu) out["mtu"] = result.mtu->bytes;
  if (const auto& flow = result.throughput) {
    out["throughput"] = {{"sent", flow->sent},
                         {"received", flow->received},
                         {"size", flow->size},
                         {"loss", flow->loss()},
                         {"bitsPerSecond", flow->bits_per_second()}};
  }
  if (const auto& checks = report.checks) {
    json findings = json::array();
    for (const auto& finding : checks->findings) {
      findings.push_back({{"cause", api::cause_name(finding.cause)}, {"detail", printable(finding.detail)}});
    }
    out["checks"] = {{"asked", checks->asked}, {"answered", checks->answered}, {"findings", std::move(findings)}};
  }
  return out;
}

void ProbeSummary::Times::add(std::chrono::nanoseconds time) {
  shortest = count == 0 ? time : std::min(shortest, time);
  longest = std::max(longest, time);
  sum += time;
  ++count;
}

void ProbeSummary::add(const ProbeReport& report) {
  ++probes_;
  if (!is_good(report)) ++causes_[std::string(api::cause_name(diagnosis(report).cause))];
  if (!report.result.ok) {
    ++failed_;
    return;
  }
  for (const auto& [phase, time] : report.result.phases) phases_[phase].add(time);
  total_.add(report.result.total);
}

std::string ProbeSummary::table() const {
  std::string text = std::to_string(probes_) + " probes, " + std::to_string(failed_) + " failed (" +
                     percent(probes_ > 0 ? static_cast<double>(failed_) / probes_ : 0) + ")";
  for (const auto& [cause, count] : causes_) text += ", " + std::to_string(count) + " " + cause;
  text += '\n';
  if (total_.count == 0) return text;
  const auto cells = [](const Times& times) {
    return std::vector{milliseconds(times.shortest), milliseconds(times.sum / times.count),
                       milliseconds(times.longest)};
  };
  text += row("", {"min", "avg", "max"});
  for (const auto& [phase, times] : phases_) text += row(std::string(phase_name(phase)), cells(times));
  return text + row("total", cells(total_));
}

json ProbeSummary::json() const {
  const auto cells = [](const Times& times) {
    return nlohmann::json{
        {"min", as_ms(times.shortest)}, {"avg", as_ms(times.sum / times.count)}, {"max", as_ms(times.longest)}};
  };
  auto phases = nlohmann::json::object();
  for (const auto& [phase, times] : phases_) phases[std::string(phase_name(phase))] = cells(times);
  nlohmann::json out = {{"probes", probes_}, {"failed", failed_}, {"causes", causes_}, {"phasesMs", std::move(phases)}};
  if (total_.count > 0) out["totalMs"] = cells(total_);
  return out;
}

}  // namespace turnkeeper::cli
