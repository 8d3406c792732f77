#include "turnkeeper/http/page.hpp"

#include <string>

namespace turnkeeper::http {

Response page_part(std::string_view text, const char* content_type) {
  Response response{.content_type = content_type, .body = std::string(text)};
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; connect-src 'self'; "
                       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace turnkeeper::http
