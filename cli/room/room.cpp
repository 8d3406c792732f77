#include "cli/room/room.hpp"

#include <string_view>

#include "turnkeeper/base/address_range.hpp"
#include "turnkeeper/http/page.hpp"

namespace turnkeeper::cli {

// Made from the files of these names at build time (turnkeeper_embed).
extern const std::string_view room_html;
extern const std::string_view room_css;
extern const std::string_view room_js;
extern const std::string_view client_js;

namespace {

void add_part(http::Router& router, const char* path, std::string_view text, const char* content_type) {
  router.get(path, [text, content_type](const http::Request&) { return http::page_part(text, content_type); });
}

// "127.0.0.1:8480" -> "127.0.0.1", "[::1]:8480" -> "::1"
std::string_view name_of(std::string_view host) {
  if (!host.starts_with('[')) return host.substr(0, host.find(':'));
  const auto end = host.find(']');
  return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
}

}  // namespace

void add_room_page(http::Router& router) {
  router.get("/room", [](const http::Request&) {
    http::Response response{.status = 308, .body = "The room is at /room/\n"};
    response.headers = {{"Location", "/room/"}};
    return response;
  });
  add_part(router, "/room/", room_html, "text/html; charset=utf-8");
  add_part(router, "/room/room.css", room_css, "text/css; charset=utf-8");
  add_part(router, "/room/room.js", room_js, "text/javascript; charset=utf-8");
  add_part(router, "/room/client.js", client_js, "text/javascript; charset=utf-8");
}

bool asked_by_own_page(const http::Request& request) {
  const std::string& host = request.header("host");
  if (request.header("origin") != "http://" + host) return false;
  const auto name = name_of(host);
  return name == "localhost" || parse_address(name).has_value();
}

}  // namespace turnkeeper::cli
