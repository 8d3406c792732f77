// A short fingerprint of text, by which two processes tell whether they mean the same document. Pure.
#pragma once

#include <string>
#include <string_view>

namespace turnkeeper {

// The first half of SHA-256 as 32 lower-case hexadecimal digits.
[[nodiscard]] std::string content_hash(std::string_view text);

}  // namespace turnkeeper
