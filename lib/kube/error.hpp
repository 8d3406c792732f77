// What the Kubernetes API answers when it does not do what was asked: a kind to branch on, a message and the next step
// for a person.
//
//   auto pod = client.get(kube::pods, {"default", "eu-0"}, deadline);
//   if (!pod && pod.error().kind == kube::ErrorKind::not_found) ...
#pragma once

#include <chrono>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::kube {

enum class ErrorKind {
  unreachable,        // no complete answer: refused, TLS, timeout, cut
  cancelled,          // this process is stopping
  fenced,             // not sent: this process must not write now (Client::Options)
  unauthorized,       // 401
  forbidden,          // 403
  not_found,          // 404
  conflict,           // 409: someone else wrote first, or a precondition failed
  already_exists,     // 409 to a create
  gone,               // 410: the resource version is too old
  invalid,            // 400, 413, 415, 422: the same request can never succeed
  too_many_requests,  // 429
  server,             // 5xx
  unexpected,         // an answer that makes no sense, such as JSON cut short
};

struct Error : turnkeeper::Error {
  Error() = default;
  Error(ErrorKind k, std::string message, std::string advice = {}, int http_status = 0)
      : turnkeeper::Error{std::move(message), std::move(advice)}, kind(k), status(http_status) {}

  ErrorKind kind = ErrorKind::unexpected;
  int status = 0;                       // HTTP status; 0 when there was no answer
  std::chrono::seconds retry_after{0};  // what the server asked for with 429 and 503; 0: nothing

  // Worth trying again unchanged?
  [[nodiscard]] bool transient() const;
  // The same error seen from further out: "context: message".
  [[nodiscard]] Error within(const std::string& context) const;
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// The error that an answer with status >= 400 means. `body` is a Kubernetes Status object or any text; `what` names the
// request: "list pods".
[[nodiscard]] Error error_from_status(int status, const std::string& body, const std::string& what);

}  // namespace turnkeeper::kube
