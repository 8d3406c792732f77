#include "monitor/web/status_page.hpp"

#include <string_view>

namespace turnkeeper::monitor {

// Made from the files of these names at build time (turnkeeper_embed).
extern const std::string_view status_page_html;
extern const std::string_view status_page_css;
extern const std::string_view status_page_js;

namespace {

http::Response page_part(std::string_view text, const char* content_type) {
  http::Response response{.content_type = content_type, .body = std::string(text)};
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; "
                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      // The parts of two versions do not go together.
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace

http::Response status_page() {
  return page_part(status_page_html, "text/html; charset=utf-8");
}
http::Response status_style() {
  return page_part(status_page_css, "text/css; charset=utf-8");
}
http::Response status_script() {
  return page_part(status_page_js, "text/javascript; charset=utf-8");
}

}  // namespace turnkeeper::monitor
