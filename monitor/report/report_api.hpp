// POST /v1/reports: takes what clients tell of their calls.
#pragma once

#include "monitor/access/gate.hpp"
#include "monitor/access/rate_limit.hpp"
#include "monitor/report/call_figures.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::monitor {

// One thread, that of the HTTP server. What it is given must outlive it; it must outlive the router.
class ReportApi {
 public:
  // Nobody makes more calls than that, whatever the gate lets through: of one user, or of one address where users show
  // nothing. An API key that stands for no user speaks for an application with all of its users.
  static constexpr Rate per_person{.per_second = 1, .burst = 60};

  ReportApi(CallFigures& figures, const Gate& gate, const Clock& clock)
      : figures_(figures), gate_(gate), clock_(clock), limit_(per_person) {}

  void add_routes(http::Router& router);

 private:
  [[nodiscard]] http::Response take(const http::Request& request);
  [[nodiscard]] http::Response refuse(const Refusal& refusal);

  CallFigures& figures_;
  const Gate& gate_;
  const Clock& clock_;
  RateLimit limit_;
};

}  // namespace turnkeeper::monitor
