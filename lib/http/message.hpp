// HTTP requests and responses as our handlers see them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::http {

struct Request {
  std::string method;                                      // "GET", as sent
  std::string path;                                        // "/v1/ice", percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded, in order; '+' stays '+'
  std::vector<std::pair<std::string, std::string>>
      headers;                                    // names in lower case, each once; repeated ones joined by ", "
  std::map<std::string, std::string> parameters;  // what the route's {name} segments matched
  std::string body;
  std::string peer;      // "192.0.2.1:40000"; "unix" for a unix socket
  bool loopback = true;  // the peer is on this machine: a loopback address or a unix socket

  // The first value of a query field; nothing when it is absent.
  [[nodiscard]] std::optional<std::string> field(std::string_view name) const;
  // A header's value; empty when it is absent. `name` in lower case.
  [[nodiscard]] const std::string& header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // more of them, such as Cache-Control

  [[nodiscard]] static Response text(std::string body, int status = 200);
  [[nodiscard]] static Response json(std::string body, int status = 200);
  [[nodiscard]] static Response html(std::string body, int status = 200);
  // RFC 9457 application/problem+json: {"title","status","detail","advice"}.
  [[nodiscard]] static Response problem(int status, const Error& error);
};

// "a=1&b=%20" -> {{"a","1"},{"b"," "}}. A field without '=' has an empty value. An error names the bad field.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text);

// An application/x-www-form-urlencoded body: the same, and '+' is a space.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

// "Not Found" for 404; "Error" for codes without a name of their own.
[[nodiscard]] std::string status_text(int status);

}  // namespace turnkeeper::http
