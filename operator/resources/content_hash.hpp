// A short fingerprint of text, for annotations that tell whether something changed. Pure.
#pragma once

#include <string>

namespace turnkeeper::op {

// The first half of SHA-256 as 32 lower-case hexadecimal digits.
[[nodiscard]] std::string content_hash(const std::string& text);

}  // namespace turnkeeper::op
