#include "monitor/ice_api/refusal.hpp"

namespace turnkeeper::monitor {

Secret bearer_token(const http::Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = request.header("authorization");
  return header.starts_with(scheme) ? Secret(header.substr(scheme.size())) : Secret();
}

http::Response problem(const Refusal& refusal) {
  auto response = http::Response::problem(refusal.status, refusal.error);
  if (refusal.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (refusal.retry_after) response.headers.emplace_back("Retry-After", std::to_string(refusal.retry_after->count()));
  return response;
}

}  // namespace turnkeeper::monitor
