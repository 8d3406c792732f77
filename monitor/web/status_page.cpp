#include "monitor/web/status_page.hpp"

#include <string_view>

#include "turnkeeper/http/page.hpp"

namespace turnkeeper::monitor {

// Made from the files of these names at build time (turnkeeper_embed).
extern const std::string_view status_page_html;
extern const std::string_view status_page_css;
extern const std::string_view status_page_js;

http::Response status_page() {
  return http::page_part(status_page_html, "text/html; charset=utf-8");
}
http::Response status_style() {
  return http::page_part(status_page_css, "text/css; charset=utf-8");
}
http::Response status_script() {
  return http::page_part(status_page_js, "text/javascript; charset=utf-8");
}

}  // namespace turnkeeper::monitor
