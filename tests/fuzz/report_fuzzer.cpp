// What a client tells of its call, and the series that come of it: whatever it says, they stay few.
#include <algorithm>
#include <string_view>

#include "monitor/report/call_figures.hpp"
#include "require.hpp"

using namespace turnkeeper::monitor;
using turnkeeper::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const turnkeeper::ManualClock clock;
  static CallFigures figures("here", clock);
  static bool begun = false;
  if (!begun) {
    Cluster cluster;
    cluster.name = "demo";
    cluster.regions = {{.name = "eu", .relays = {{.name = "eu-0", .uris = {turn_uri("192.0.2.1")}}}}};
    figures.set_fleet({.clusters = {cluster}});
    begun = true;
  }
  const auto report = read_report({reinterpret_cast<const char*>(data), size});
  if (!report) {
    require(!report.error().message.empty() && !report.error().advice.empty(), "an error says what is wrong");
    return 0;
  }
  require(report->gaps.size() <= 100, "gaps are bounded");
  const auto in_range = [](auto time) { return time.count() >= 0 && time <= std::chrono::hours(1); };
  require(std::ranges::all_of(report->gaps, in_range), "a gap is in its range");
  require(!report->connect || in_range(*report->connect), "a time to connect is in its range");
  figures.count(*report);
  Exposition text(ExpositionFormat::openmetrics);
  figures.write(text);
  require(text.finish().size() < 64 * 1024, "a client adds no series of its own");
  return 0;
}
