// What a client tells of one call at its end: the body of POST /v1/reports (docs/clients.md#telemetry). Pure.
//
//   auto report = read_report(request.body);
//   if (!report) return http::Response::problem(400, report.error());
//   figures.count(*report);
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

struct Report {
  enum class Outcome {
    connected,  // and ended as people end calls
    lost,       // it was connected, and given up in the end
    failed,     // given up before it ever connected
    abandoned,  // ended by its people before it connected: nobody knows whether it would have
  };
  enum class Candidate { none, host, srflx, prflx, relay };  // RFC 8445; none: there was no path

  // As the client was told them in its ICE config; empty when it never got one. They need not exist.
  std::string cluster;
  std::string region;
  Outcome outcome = Outcome::abandoned;
  Candidate candidate = Candidate::none;             // this end's, of the last path
  std::optional<std::chrono::milliseconds> connect;  // from the first negotiation to the connection
  std::string relay;                // this end's: a TURN URI, or its relayed address and port; empty: it used none
  std::string_view relay_protocol;  // "udp", "tcp" or "tls"; empty: not known
  std::optional<std::chrono::milliseconds> rtt;  // the mean over the call
  std::uint32_t restarts = 0;
  std::vector<std::chrono::milliseconds> gaps;  // from the first sign of trouble to the new path
};

inline constexpr std::size_t most_report_bytes = 8192;

// Other fields than these are passed over. An error names the field that is missing, of another type, out of its range
// (connectMs up to ten minutes, a gap an hour, an RTT a minute, 10,000 restarts, 100 gaps) or not one of its words, and
// quotes nothing.
[[nodiscard]] Result<Report> read_report(std::string_view body);

[[nodiscard]] std::string_view outcome_name(Report::Outcome outcome);        // "connected"
[[nodiscard]] std::string_view candidate_name(Report::Candidate candidate);  // "relay"

}  // namespace turnkeeper::monitor
