#include "monitor/web/status_page.hpp"

namespace turnkeeper::monitor {

// Made from status_page.html at build time (embed.cmake).
extern const char kStatusPage[];
extern const unsigned long kStatusPageSize;

http::Response status_page() {
  auto response = http::Response::html(std::string(kStatusPage, kStatusPageSize));
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
                       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace turnkeeper::monitor
