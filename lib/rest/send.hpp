// One outbound HTTP request, for what is asked rarely: credential APIs, webhooks. Over cpprestsdk, whose exceptions and
// tasks end here.
//
//   rest::Request request{.method = "POST", .url = Secret("https://api.example.org/token"), .body = "Ttl=3600"};
//   auto response = rest::send(request, Deadline::after(real_clock(), 10s), stop);
//   if (!response) log::warn("no answer", {{"error", response.error().text()}});
//   else if (response->status == 200) use(response->body);
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::rest {

struct Request {
  std::string method = "GET";
  Secret url;  // "https://HOST[:PORT]/PATH?QUERY" or http://; a Secret since keys are often part of it
  std::vector<std::pair<std::string, Secret>> headers;
  std::string content_type;  // of the body
  std::string body;
  std::string ca_file;  // PEM; empty: the system's authorities
};

struct Response {
  int status = 0;
  std::string reason;                               // "Not Found", one line
  std::string body;                                 // at most 1 MiB
  std::optional<std::chrono::seconds> retry_after;  // the header of that name, at most an hour
  std::optional<std::chrono::seconds> max_age;      // of Cache-Control, at most a day
};

// Blocks until the whole answer is there, until `deadline`, or until `grace` after `stop`: never call it from the
// thread of an io_context. An error when there is no answer, or one that is too long; it never repeats the URL. Each
// request has a connection of its own: on one that is used again the library may send a POST twice. Redirects are not
// followed: they would carry the secret elsewhere. Thread-safe.
[[nodiscard]] Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop,
                                    std::chrono::nanoseconds grace = std::chrono::nanoseconds(0));

}  // namespace turnkeeper::rest
