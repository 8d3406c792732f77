// How turnctl writes numbers, times and other people's texts. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace turnkeeper::cli {

// "0.21 ms", "88.4 ms", "1234 ms".
[[nodiscard]] std::string milliseconds(double value);
[[nodiscard]] std::string milliseconds(std::chrono::nanoseconds time);
// "12 s", "3 min", "5 h", "4 days"; "0 s" for what has not begun.
[[nodiscard]] std::string duration(std::chrono::nanoseconds time);
// What a server sent may hold control characters, which a terminal obeys: they become '?'.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace turnkeeper::cli
