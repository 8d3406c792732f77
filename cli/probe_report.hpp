// How turnctl shows probes: as a small table each, as numbers over many, as JSON. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/run_probe.hpp"

namespace turnkeeper::cli {

// Where it went, each phase with its time, what else was learnt; without the verdict.
[[nodiscard]] std::string probe_table(const ProbeReport& report);
// "works: ..." or "fails: CAUSE: DETAIL", for a person.
[[nodiscard]] std::string probe_verdict(const ProbeReport& report);
// What to do about it, with the runbook's section; empty when there is nothing to do.
[[nodiscard]] std::string probe_advice(const ProbeReport& report);
// Works, and the path checks, if there were any, found nothing.
[[nodiscard]] bool is_good(const ProbeReport& report);

[[nodiscard]] nlohmann::json probe_json(const ProbeReport& report);

// Over several probes: how many failed, of what, and the shortest, mean and longest time of each phase of the good
// ones.
class ProbeSummary {
 public:
  void add(const ProbeReport& report);
  [[nodiscard]] int probes() const { return probes_; }
  [[nodiscard]] int failed() const { return failed_; }
  [[nodiscard]] std::string table() const;
  [[nodiscard]] nlohmann::json json() const;

 private:
  struct Times {
    std::chrono::nanoseconds shortest{0}, longest{0}, sum{0};
    int count = 0;
    void add(std::chrono::nanoseconds time);
  };
  int probes_ = 0;
  int failed_ = 0;
  std::map<monitor::Phase, Times> phases_;
  Times total_;
  std::map<std::string, int> causes_;
};

}  // namespace turnkeeper::cli
