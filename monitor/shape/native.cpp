#include "monitor/shape/native.hpp"

#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {

tl::expected<IceRequest, Trouble> native_request(const http::Request& request) {
  auto wanted = read_hints(request);
  if (!wanted) return wanted;
  wanted->user = request.field("user").value_or("");
  if (const auto ttl = request.field("ttl")) {
    wanted->ttl = read_seconds(*ttl);
    if (!wanted->ttl) {
      return tl::unexpected(Trouble{.error = {"ttl is no positive number of seconds", "write for example ttl=3600"}});
    }
  }
  return wanted;
}

http::Response native_refusal(const Trouble& trouble) {
  auto response = http::Response::problem(trouble.status, trouble.error);
  if (trouble.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (trouble.retry_after) response.headers.emplace_back("Retry-After", std::to_string(trouble.retry_after->count()));
  return response;
}

Shape native_shape() {
  return {.api = "native",
          .method = "GET",
          .paths = {"/v1/ice"},
          .key = native_key,
          .read = [](const http::Request& request) -> tl::expected<Ask, Trouble> {
            auto wanted = native_request(request);
            if (!wanted) return tl::unexpected(wanted.error());
            return Ask{
                .request = std::move(*wanted),
                .must_name_user = true,
                .answer = [](const IceConfig& config, SystemTime now) { return fresh_json(native_json(config, now)); }};
          },
          .refuse = native_refusal};
}

}  // namespace turnkeeper::monitor
