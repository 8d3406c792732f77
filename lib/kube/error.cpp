#include "turnkeeper/kube/error.hpp"

#include <nlohmann/json.hpp>

namespace turnkeeper::kube {
namespace {

ErrorKind kind_of(int status, const std::string& reason) {
  switch (status) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
      return ErrorKind::forbidden;
    case 404:
      return ErrorKind::not_found;
    case 409:
      return reason == "AlreadyExists" ? ErrorKind::already_exists : ErrorKind::conflict;
    case 410:
      return ErrorKind::gone;
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return ErrorKind::invalid;
    case 429:
      return ErrorKind::too_many_requests;
    default:
      return status >= 500 ? ErrorKind::server : ErrorKind::unexpected;
  }
}

std::string advice_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unauthorized:
      return "check the token or the client certificate: it is missing, expired or of another cluster";
    case ErrorKind::forbidden:
      return "grant this account the missing permission (kubectl auth can-i --list shows what it has)";
    case ErrorKind::too_many_requests:
      return "the API server sheds load; this is retried by itself";
    default:
      return {};
  }
}

}  // namespace

bool Error::transient() const {
  switch (kind) {
    case ErrorKind::unreachable:
    case ErrorKind::fenced:
    case ErrorKind::conflict:
    case ErrorKind::too_many_requests:
    case ErrorKind::server:
    case ErrorKind::unexpected:
      return true;
    default:
      return false;
  }
}

Error Error::within(const std::string& context) const {
  Error outer = *this;
  outer.message = context + ": " + message;
  return outer;
}

Error error_from_status(int status, const std::string& body, const std::string& what) {
  std::string reason;
  std::string message;
  std::chrono::seconds retry_after{0};
  const auto parsed = nlohmann::json::parse(body, nullptr, false);
  if (parsed.is_object()) {
    if (const auto it = parsed.find("reason"); it != parsed.end() && it->is_string()) reason = *it;
    if (const auto it = parsed.find("message"); it != parsed.end() && it->is_string()) message = *it;
    if (const auto it = parsed.find("details"); it != parsed.end() && it->is_object()) {
      if (const auto seconds = it->find("retryAfterSeconds"); seconds != it->end() && seconds->is_number_unsigned()) {
        retry_after = std::chrono::seconds(seconds->get<std::uint32_t>());
      }
    }
  } else {
    message = body.substr(0, body.find_first_of("\r\n")).substr(0, 200);
  }
  if (message.empty()) message = "HTTP status " + std::to_string(status);
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  const ErrorKind kind = kind_of(status, reason);
  Error error(kind, what + ": " + message, advice_for(kind), status);
  error.retry_after = retry_after;
  return error;
}

}  // namespace turnkeeper::kube
