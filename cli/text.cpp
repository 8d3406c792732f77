#include "cli/text.hpp"

#include <algorithm>
#include <cstdio>

namespace turnkeeper::cli {

std::string milliseconds(double value) {
  char text[48];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f ms" : value < 100 ? "%.1f ms" : "%.0f ms", value);
  return text;
}

std::string milliseconds(std::chrono::nanoseconds time) {
  return milliseconds(std::chrono::duration<double, std::milli>(time).count());
}

std::string duration(std::chrono::nanoseconds time) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(time).count());
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min";
  if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " days";
}

std::string printable(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

}  // namespace turnkeeper::cli
