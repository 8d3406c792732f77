#include "operator/plan/budget.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace turnkeeper::op {
namespace {

using namespace std::chrono;
using namespace nlohmann::literals;

constexpr std::uint64_t booked_at_least = 10'000'000;  // a hundredth of a gigabyte
constexpr seconds between_bookings{60};

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

double rounded(double value, int decimals) {
  return std::strtod(fixed(value, decimals).c_str(), nullptr);
}

double number_at(const nlohmann::json& status, const nlohmann::json::json_pointer& pointer) {
  if (!status.is_object() || !status.contains(pointer) || !status.at(pointer).is_string()) return 0;
  const double value = std::strtod(status.at(pointer).get_ref<const std::string&>().c_str(), nullptr);
  return std::isfinite(value) && value > 0 ? value : 0;
}

struct Month {
  std::string name;
  double left = 0;  // the part of it that is still to come
};

Month month_of(SystemTime now) {
  const year_month_day day{floor<days>(now)};
  const auto this_month = day.year() / day.month();
  const SystemTime begin = sys_days{this_month / 1};
  const SystemTime end = sys_days{(this_month + months(1)) / 1};
  return {rfc3339(now).substr(0, 7), duration<double>(end - now) / duration<double>(end - begin)};
}

}  // namespace

void TrafficMeter::add(const std::map<std::string, RelayFacts>& facts) {
  for (const auto& [relay, known] : facts) {
    if (!known.agent || !known.agent->sent_bytes) continue;
    const auto sent = *known.agent->sent_bytes;
    const auto [counter, first] = counters_.emplace(relay, sent);
    if (first) continue;
    if (sent >= counter->second) {
      bytes_ += sent - counter->second;
    } else if (sent < counter->second / 2) {
      bytes_ += sent;
    } else {
      continue;
    }
    counter->second = sent;
  }
}

double TrafficMeter::take_gigabytes(SystemTime now) {
  if (bytes_ < booked_at_least || (now >= taken_ && now - taken_ < between_bookings)) return 0;
  const auto hundredths = bytes_ / booked_at_least;
  bytes_ -= hundredths * booked_at_least;
  taken_ = now;
  return static_cast<double>(hundredths) / 100;
}

Ledger read_ledger(const nlohmann::json& status) {
  const auto month = "/budget/month"_json_pointer;
  Ledger ledger;
  if (status.is_object() && status.contains(month) && status.at(month).is_string()) ledger.month = status.at(month);
  ledger.relay_months = number_at(status, "/budget/relayMonths"_json_pointer);
  ledger.gigabytes = number_at(status, "/budget/gigabytes"_json_pointer);
  return ledger;
}

Ledger book(Ledger ledger, int relays_before, int relays_now, double gigabytes, SystemTime now) {
  const auto month = month_of(now);
  if (ledger.month != month.name) {
    // Relays that were there in the last month were there when this one began.
    const double part = ledger.month.empty() ? month.left : 1;
    ledger = {.month = month.name, .relay_months = relays_now * part, .gigabytes = 0};
  } else {
    ledger.relay_months += (relays_now - relays_before) * month.left;
  }
  ledger.relay_months = rounded(std::max(ledger.relay_months, 0.0), 3);
  ledger.gigabytes = rounded(ledger.gigabytes + gigabytes, 2);
  return ledger;
}

double cost_of(const api::Budget& budget, const Ledger& ledger) {
  return rounded(ledger.relay_months * budget.per_relay + ledger.gigabytes * budget.per_gigabyte, 2);
}

bool is_over(const api::Budget& budget, const Ledger& ledger) {
  return cost_of(budget, ledger) > budget.monthly;
}

std::string cost_text(const api::Budget& budget, const Ledger& ledger) {
  return fixed(cost_of(budget, ledger), 2) + " of " + fixed(budget.monthly, 2) + ' ' + budget.currency +
         " in this month: " + fixed(ledger.relay_months, 1) + " relays and " + fixed(ledger.gigabytes, 1) + " GB";
}

api::Condition within_budget(const api::Budget& budget, const Ledger& ledger, bool measured) {
  api::Condition condition{.type = "WithinBudget",
                           .status = api::ConditionStatus::yes,
                           .reason = "WithinBudget",
                           .message = "about " + cost_text(budget, ledger)};
  if (budget.per_gigabyte > 0 && !measured) condition.message += " (no agent tells what its relay sends)";
  if (!is_over(budget, ledger)) return condition;
  condition.status = api::ConditionStatus::no;
  condition.reason = "OverBudget";
  switch (budget.at_limit) {
    case api::Budget::AtLimit::report:
      condition.message += "; nothing is changed for that";
      break;
    case api::Budget::AtLimit::stop_autoscaling:
      condition.message += "; no relays are added by autoscaling in this month";
      break;
    case api::Budget::AtLimit::lower_bandwidth:
      condition.message += "; no relays are added by autoscaling, and new sessions get " +
                           std::to_string(budget.bits_per_second_per_session) + " bit/s in this month";
      break;
  }
  return condition;
}

nlohmann::json to_json(const api::Budget& budget, const Ledger& ledger) {
  return {{"month", ledger.month},
          {"relayMonths", fixed(ledger.relay_months, 3)},
          {"gigabytes", fixed(ledger.gigabytes, 2)},
          {"cost", fixed(cost_of(budget, ledger), 2)}};
}

}  // namespace turnkeeper::op
