// Text forms of bytes.
#pragma once

#include <string>
#include <string_view>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper {

// RFC 4648 section 4, with padding.
[[nodiscard]] std::string base64_encode(std::string_view bytes);
// Strict: wrong length, alphabet or padding is an error. White space too.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);
// RFC 4648 section 5 without padding, as JOSE writes it; as strict.
[[nodiscard]] Result<std::string> base64url_decode(std::string_view text);

// Lower case.
[[nodiscard]] std::string hex_encode(std::string_view bytes);

// RFC 3986: everything but unreserved characters becomes %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);
// '+' stays '+'. A '%' without two hexadecimal digits is an error.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace turnkeeper
