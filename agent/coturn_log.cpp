#include "agent/coturn_log.hpp"

#include <ranges>

#include "turnkeeper/coturn/log_line.hpp"

namespace turnkeeper::agent {
namespace {

// coturn tries again every second when it cannot listen.
constexpr auto patience = std::chrono::seconds(5);
constexpr std::size_t last_lines = 5;
constexpr std::size_t last_bytes = 600;

}  // namespace

CoturnLog::Finding CoturnLog::add(const std::string& line, SteadyTime now) {
  if (line.find_first_not_of(" \t") != std::string::npos) {
    last_.push_back(line);
    if (last_.size() > last_lines) last_.pop_front();
  }
  Finding finding;
  const auto problem = coturn::explain_log_line(line);
  if (!problem) return finding;
  const auto [seen, is_new] = problems_.try_emplace(problem->message, now);
  if (is_new) finding.first_seen = problem;
  if (now - seen->second >= patience) finding.lasting = problem;
  return finding;
}

void CoturnLog::restart() {
  problems_.clear();
  last_.clear();
}

std::string CoturnLog::last_words() const {
  std::string words;
  for (const std::string& line : last_ | std::views::reverse) {
    const std::string more = words.empty() ? line.substr(0, last_bytes) : line + " | " + words;
    if (more.size() > last_bytes) break;
    words = more;
  }
  return words;
}

}  // namespace turnkeeper::agent
