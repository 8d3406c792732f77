#include "turnkeeper/base/clock.hpp"

#include <array>
#include <charconv>
#include <ctime>

namespace turnkeeper {
namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] SystemTime system() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& real_clock() {
  static const RealClock clock;
  return clock;
}

// The steady side starts far from zero, as on a machine that has been up for a while: code that treats the epoch as
// "never" must not pass by luck.
ManualClock::ManualClock(SystemTime start) : steady_(std::chrono::hours(100)), system_(start) {}

SteadyTime ManualClock::steady() const {
  std::lock_guard lock(mutex_);
  return steady_;
}

SystemTime ManualClock::system() const {
  std::lock_guard lock(mutex_);
  return system_;
}

void ManualClock::advance(std::chrono::nanoseconds by) {
  std::lock_guard lock(mutex_);
  steady_ += by;
  system_ += std::chrono::duration_cast<SystemTime::duration>(by);
}

void ManualClock::jump(std::chrono::nanoseconds by) {
  std::lock_guard lock(mutex_);
  system_ += std::chrono::duration_cast<SystemTime::duration>(by);
}

std::string rfc3339(SystemTime time) {
  const std::time_t seconds = unix_seconds(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Whole years that a count of nanoseconds since 1970 reaches.
constexpr std::chrono::year first_year{1700};
constexpr std::chrono::year last_year{2261};

Result<SystemTime> parse_rfc3339(std::string_view text) {
  const auto refuse = [&] {
    return fail("'" + std::string(text) + "' is no RFC 3339 time", "write it as 2026-08-01T12:00:00Z");
  };
  // "2026-08-01T12:00:00" then an optional fraction, then "Z" or "+02:00".
  static constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= form.size()) return refuse();
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (form[i] == 'd' ? !digit : text[i] != form[i]) return refuse();
  }
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
  };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)), std::chrono::month(number(5, 2)),
                                         std::chrono::day(number(8, 2)));
  // A leap second (":60") is taken as the first of the next minute.
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) return refuse();
  if (date.year() < first_year || date.year() > last_year) {
    return fail("'" + std::string(text) + "' is not within the years 1700 to 2261", "take an earlier or a later year");
  }
  SystemTime time = std::chrono::sys_days(date);
  time += std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));

  std::string_view rest = text.substr(form.size());
  if (rest.front() == '.') {
    const auto end = rest.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return refuse();
    std::int64_t scale = 100'000'000;
    for (std::size_t i = 1; i < end; ++i, scale /= 10) {
      time += std::chrono::duration_cast<SystemTime::duration>(std::chrono::nanoseconds((rest[i] - '0') * scale));
    }
    rest.remove_prefix(end);
  }
  if (rest == "Z") return time;
  static constexpr std::string_view offset_form = "sdd:dd";
  if (rest.size() != offset_form.size() || (rest[0] != '+' && rest[0] != '-')) return refuse();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    const bool digit = rest[i] >= '0' && rest[i] <= '9';
    if (offset_form[i] == 'd' ? !digit : rest[i] != offset_form[i]) return refuse();
  }
  const auto at = text.size() - rest.size();
  const auto offset = std::chrono::hours(number(at + 1, 2)) + std::chrono::minutes(number(at + 4, 2));
  return rest[0] == '+' ? time - offset : time + offset;
}

}  // namespace turnkeeper
