#include "monitor/report/report.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

constexpr milliseconds longest_connect = std::chrono::minutes(10);
constexpr milliseconds longest_gap = std::chrono::hours(1);
constexpr milliseconds longest_rtt = std::chrono::minutes(1);
constexpr std::uint32_t most_restarts = 10'000;
constexpr std::size_t most_gaps = 100;
constexpr std::size_t longest_name = 317;  // of a TurnCluster: 63 for its namespace, a slash, 253
constexpr std::size_t longest_relay = 300;

constexpr std::array<std::string_view, 4> outcomes{"connected", "lost", "failed", "abandoned"};
constexpr std::array<std::string_view, 5> candidates{"none", "host", "srflx", "prflx", "relay"};
constexpr std::array<std::string_view, 4> relay_protocols{"", "udp", "tcp", "tls"};

// Reads fields one after the other, and remembers the first that is wrong.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}  // which outlives this

  // Null: it is not there.
  [[nodiscard]] const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  [[nodiscard]] bool flag(const char* name) {
    const auto* value = find(name);
    if (value && value->is_boolean()) return value->get<bool>();
    wrong(name, "true or false");
    return false;
  }
  [[nodiscard]] std::string text(const char* name, std::size_t longest) {
    const auto* value = find(name);
    if (value && value->is_string() && value->get_ref<const std::string&>().size() <= longest) return *value;
    wrong(name, "a string of at most " + std::to_string(longest) + " bytes");
    return {};
  }
  // The index of one of `words`; 0 when the field is not there.
  [[nodiscard]] std::size_t word(const char* name, const auto& words) {
    const auto* value = find(name);
    if (!value) return 0;
    const auto found =
        value->is_string() ? std::ranges::find(words, value->get_ref<const std::string&>()) : words.end();
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    wrong(name, "one of its words");
    return 0;
  }
  [[nodiscard]] std::uint32_t number(const char* name, const Json* value, std::uint32_t most) {
    const auto read = value && value->is_number() ? value->get<double>() : -1;
    if (read >= 0 && read <= most) return static_cast<std::uint32_t>(read);
    wrong(name, "a number from 0 to " + std::to_string(most));
    return 0;
  }
  [[nodiscard]] milliseconds time(const char* name, const Json* value, milliseconds longest) {
    return milliseconds(number(name, value, static_cast<std::uint32_t>(longest.count())));
  }
  void wrong(const char* name, const std::string& wanted) {
    if (error_.empty()) error_ = std::string(name) + " is not " + wanted;
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Json& object_;
  std::string error_;
};

Report::Outcome outcome_of(bool connected, bool lost) {
  if (connected) return lost ? Report::Outcome::lost : Report::Outcome::connected;
  return lost ? Report::Outcome::failed : Report::Outcome::abandoned;
}

}  // namespace

Result<Report> read_report(std::string_view body) {
  constexpr auto advice = "send what docs/clients.md describes under Telemetry";
  if (body.size() > most_report_bytes) return fail("the report is longer than 8 KiB", advice);
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return fail("the report is not a JSON object", advice);

  Fields fields(json);
  Report report;
  report.cluster = fields.text("cluster", longest_name);
  report.region = fields.text("region", longest_name);
  const bool connected = fields.flag("connected");
  report.outcome = outcome_of(connected, fields.flag("lost"));
  if (const auto* time = fields.find("connectMs")) report.connect = fields.time("connectMs", time, longest_connect);
  if (!connected) report.connect.reset();
  report.candidate = static_cast<Report::Candidate>(fields.word("localCandidate", candidates));
  if (fields.find("relay")) report.relay = fields.text("relay", longest_relay);
  report.relay_protocol = relay_protocols[fields.word("relayProtocol", relay_protocols)];
  if (const auto* rtt = fields.find("rttMs")) {
    const auto mean = rtt->is_object() ? rtt->find("mean") : rtt->end();
    report.rtt = fields.time("rttMs.mean", mean == rtt->end() ? nullptr : &*mean, longest_rtt);
  }
  report.restarts = static_cast<std::uint32_t>(fields.number("restarts", fields.find("restarts"), most_restarts));
  const auto* gaps = fields.find("gapsMs");
  if (!gaps || !gaps->is_array() || gaps->size() > most_gaps) {
    fields.wrong("gapsMs", "an array of at most 100 numbers");
  } else {
    for (const auto& gap : *gaps) report.gaps.push_back(fields.time("gapsMs", &gap, longest_gap));
  }
  if (!fields.error().empty()) return fail(fields.error(), advice);
  return report;
}

std::string_view outcome_name(Report::Outcome outcome) {
  return outcomes[static_cast<std::size_t>(outcome)];
}
std::string_view candidate_name(Report::Candidate candidate) {
  return candidates[static_cast<std::size_t>(candidate)];
}

}  // namespace turnkeeper::monitor
