#include "monitor/report/report_api.hpp"

#include "monitor/ice_api/refusal.hpp"

namespace turnkeeper::monitor {
namespace {

// Whose calls these are; nothing: those of many.
std::optional<std::string> person(const Gate& gate, const Caller& caller, const Presented& presented) {
  if (caller.user) return "user " + *caller.user;
  if (caller.anonymous) return gate.address_of(presented);
  return std::nullopt;
}

}  // namespace

void ReportApi::add_routes(http::Router& router) {
  router.post("/v1/reports", [this](const http::Request& request) { return take(request); });
}

// Whatever its Content-Type: navigator.sendBeacon() sends a string as text/plain.
http::Response ReportApi::take(const http::Request& request) {
  const Presented presented{
      .key = native_key(request), .address = request.peer, .forwarded_for = request.header("x-forwarded-for")};
  const auto caller = gate_.admit(presented);
  if (!caller) return refuse(caller.error());
  if (const auto who = person(gate_, *caller, presented)) {
    if (const auto wait = limit_.take(*who, clock_.steady())) {
      return refuse({.status = 429,
                     .reason = "too-many",
                     .error = {"more reports than anybody makes calls", "send one at the end of each call"},
                     .retry_after = *wait});
    }
  }
  const auto report = read_report(request.body);
  if (!report) {
    figures_.refused("invalid");
    return http::Response::problem(400, report.error());
  }
  figures_.count(*report);
  return {.status = 204};
}

http::Response ReportApi::refuse(const Refusal& refusal) {
  figures_.refused(refusal.reason);
  return problem(refusal);
}

}  // namespace turnkeeper::monitor
