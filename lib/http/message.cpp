#include "turnkeeper/http/message.hpp"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::http {
namespace {

template <class Decode>
Result<std::vector<std::pair<std::string, std::string>>> parse_fields(std::string_view text, std::string_view what,
                                                                      Decode decode) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    Result<std::string> name = decode(item.substr(0, equals));
    Result<std::string> value = decode(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1));
    if (!name || !value) {
      return fail("the " + std::string(what) + " \"" + std::string(item.substr(0, equals)) +
                      "\" is not percent-encoded properly",
                  "write a literal % as %25");
    }
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

}  // namespace

std::optional<std::string> Request::field(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

const std::string& Request::header(std::string_view name) const {
  static const std::string absent;
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return absent;
}

Response Response::text(std::string body, int status) {
  return {.status = status, .body = std::move(body)};
}

Response Response::json(std::string body, int status) {
  return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

Response Response::html(std::string body, int status) {
  return {.status = status, .content_type = "text/html; charset=utf-8", .body = std::move(body)};
}

Response Response::problem(int status, const Error& error) {
  nlohmann::ordered_json body{{"title", status_text(status)}, {"status", status}, {"detail", error.message}};
  if (!error.advice.empty()) body["advice"] = error.advice;
  // What a client sent may be quoted in the detail and need not be UTF-8.
  return {.status = status,
          .content_type = "application/problem+json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n'};
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  return parse_fields(text, "query field", [](std::string_view part) { return percent_decode(part); });
}

Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text) {
  return parse_fields(text, "form field", [](std::string_view part) {
    std::string spaced(part);
    std::ranges::replace(spaced, '+', ' ');
    return percent_decode(spaced);
  });
}

std::string status_text(int status) {
  const auto code = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  if (code == boost::beast::http::status::unknown) return "Error";
  return std::string(boost::beast::http::obsolete_reason(code));
}

}  // namespace turnkeeper::http
