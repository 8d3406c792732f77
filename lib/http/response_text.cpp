#include "turnkeeper/http/response_text.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <ctime>
#include <string_view>

namespace turnkeeper::http {
namespace {

// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second.
std::string_view date_line() {
  static thread_local std::time_t made = 0;
  static thread_local std::string line;
  const std::time_t now = std::time(nullptr);
  if (now != made) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 48> text{};
    const auto size = std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    line.assign(text.data(), size);
    made = now;
  }
  return line;
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_value(std::string& out, std::string_view value) {
  if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) {
    out += value;
    return;
  }
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
}

void append_headers(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers) {
    append_value(out, name);
    out += ": ";
    append_value(out, value);
    out += "\r\n";
  }
}

void append_status(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
  } else {
    const auto code = boost::beast::http::int_to_status(static_cast<unsigned>(status));
    const auto reason = boost::beast::http::obsolete_reason(code);
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::size_t>(status));
    out += ' ';
    out.append(reason.data(), reason.size());
    out += "\r\n";
  }
  out += date_line();
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

void append_response(std::string& out, const Response& response, Framing framing, const Headers& more) {
  out.reserve(out.size() + response.body.size() + 512);
  append_status(out, response.status);
  append_headers(out, response.headers);
  append_headers(out, more);
  if (!has_no_body(response.status)) {
    out += "Content-Type: ";
    append_value(out, response.content_type);
    out += "\r\nX-Content-Type-Options: nosniff\r\nContent-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  if (!framing.keep_alive) {
    out += "Connection: close\r\n";
  } else if (framing.version < 11) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!framing.head && !has_no_body(response.status)) out += response.body;
}

void append_stream_header(std::string& out, const Headers& more) {
  append_status(out, 200);
  append_headers(out, more);
  // No proxy may keep or gather any of it.
  out +=
      "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: "
      "close\r\n\r\n";
}

}  // namespace turnkeeper::http
