// "did you mean ...?": the nearest of the words that would have been right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace turnkeeper::api {

// The candidate that a typing mistake or two would turn into `word`, ignoring case; empty when none is near.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "did you mean 'b'?" when one is near, else "use a, b or c", else (no candidates) "".
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);
// "a, b or c".
[[nodiscard]] std::string alternatives(const std::vector<std::string>& words);

}  // namespace turnkeeper::api
