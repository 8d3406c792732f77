#include "monitor/metrics/exposition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace turnkeeper::monitor {
namespace {

using Type = Exposition::Type;

constexpr std::array bounds = {.5, 1.0};
constexpr std::array<std::uint64_t, 3> counts = {2, 0, 1};

std::string write(ExpositionFormat format) {
  Exposition text(format);
  text.family("app_build", Type::info, "Help.");
  text.sample(label("version", "1"), 1);
  text.family("app_lost", Type::counter, "Help.");
  text.sample(label("relay", "a\"b\\c\nd"), 3);
  text.family("app_age_seconds", Type::gauge, "Help.");
  text.sample({}, 0.25);
  text.family("app_took_seconds", Type::histogram, "Help.");
  text.histogram(label("relay", "a"), bounds, counts, 4.5);
  return text.finish();
}

TEST(Exposition, IsWhatEveryPrometheusReads) {
  EXPECT_EQ(write(ExpositionFormat::text),
            "# HELP app_build_info Help.\n# TYPE app_build_info gauge\n"
            "app_build_info{version=\"1\"} 1\n"
            "# HELP app_lost_total Help.\n# TYPE app_lost_total counter\n"
            "app_lost_total{relay=\"a\\\"b\\\\c\\nd\"} 3\n"
            "# HELP app_age_seconds Help.\n# TYPE app_age_seconds gauge\n"
            "app_age_seconds 0.25\n"
            "# HELP app_took_seconds Help.\n# TYPE app_took_seconds histogram\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"0.5\"} 2\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"1.0\"} 2\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"+Inf\"} 3\n"
            "app_took_seconds_sum{relay=\"a\"} 4.5\n"
            "app_took_seconds_count{relay=\"a\"} 3\n");
}

TEST(Exposition, IsOpenMetricsForThoseWhoAskForIt) {
  EXPECT_EQ(write(ExpositionFormat::openmetrics),
            "# HELP app_build Help.\n# TYPE app_build info\n"
            "app_build_info{version=\"1\"} 1\n"
            "# HELP app_lost Help.\n# TYPE app_lost counter\n"
            "app_lost_total{relay=\"a\\\"b\\\\c\\nd\"} 3\n"
            "# HELP app_age_seconds Help.\n# TYPE app_age_seconds gauge\n# UNIT app_age_seconds seconds\n"
            "app_age_seconds 0.25\n"
            "# HELP app_took_seconds Help.\n# TYPE app_took_seconds histogram\n# UNIT app_took_seconds seconds\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"0.5\"} 2\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"1.0\"} 2\n"
            "app_took_seconds_bucket{relay=\"a\",le=\"+Inf\"} 3\n"
            "app_took_seconds_sum{relay=\"a\"} 4.5\n"
            "app_took_seconds_count{relay=\"a\"} 3\n"
            "# EOF\n");
}

TEST(Exposition, AScraperGetsTheFormatThatItPrefers) {
  const auto of = [](std::string_view accept) { return exposition_format(accept); };
  // Prometheus 2.42, its predecessor with the older draft, curl, and a browser.
  EXPECT_EQ(of("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
               "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            ExpositionFormat::openmetrics);
  EXPECT_EQ(of("application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            ExpositionFormat::openmetrics);
  EXPECT_EQ(of("*/*"), ExpositionFormat::text);
  EXPECT_EQ(of(""), ExpositionFormat::text);
  EXPECT_EQ(of("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), ExpositionFormat::text);
  EXPECT_EQ(of("application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.8"), ExpositionFormat::text);
  EXPECT_EQ(of("application/openmetrics-text;version=9.0.0,text/plain;q=0.1"), ExpositionFormat::text);
}

}  // namespace
}  // namespace turnkeeper::monitor
