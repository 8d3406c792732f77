#include "monitor/service/access.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::string_view scheme = "Bearer ";

http::Response unauthorized(const Error& error) {
  auto response = http::Response::problem(401, error);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

std::optional<http::Response> Access::refuse(const http::Request& request) const {
  if (!key_) {
    if (anonymous_) return std::nullopt;
    return unauthorized({"this monitor gives no credentials to strangers",
                         "start it with --api-key-file, or with --allow-anonymous if its network is trusted"});
  }
  const auto header = request.header("authorization");
  if (header.starts_with(scheme) && Secret(header.substr(scheme.size())) == *key_) return std::nullopt;
  return unauthorized({header.empty() ? "the request has no API key" : "the API key is not the right one",
                       "send Authorization: Bearer KEY with the key of --api-key-file"});
}

bool is_loopback(const std::string& listen_address) {
  return listen_address.starts_with("127.") || listen_address.starts_with("[::1]:") ||
         listen_address.starts_with("localhost:") || listen_address.starts_with("unix:");
}

}  // namespace turnkeeper::monitor
