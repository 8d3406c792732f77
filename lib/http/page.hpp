// The parts of a page that this program carries with it: HTML, a style, a script.
#pragma once

#include <string_view>

#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

// With headers by which a browser loads nothing for the page from anywhere else, runs no script in its text, shows it
// in no frame (Content-Security-Policy Level 3), and asks again each time: the parts of two versions do not go
// together. `content_type`: "text/html; charset=utf-8".
[[nodiscard]] Response page_part(std::string_view text, const char* content_type);

}  // namespace turnkeeper::http
