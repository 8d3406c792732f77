// Cross-origin requests of browsers (the Fetch standard, "CORS protocol"): which pages may call a server, and read what
// it answers. Pure.
//
//   auto cors = Cors::parse({"https://app.example.org"});
//   if (!cors) return fail(cors.error());
//   router.allow_origins(std::move(*cors));
//
// Cookies are never asked for: who calls shows a key or a token in a header, so that no page can act in the name of
// whoever looks at it. Pages of the public internet get no leave to reach a private network (no
// Access-Control-Allow-Private-Network).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/message.hpp"

namespace turnkeeper::http {

class Cors {
 public:
  // Origins as browsers write them, "https://app.example.org" or "http://localhost:5173", compared as they are; or one
  // "*": every page. An error names what is no origin.
  [[nodiscard]] static Result<Cors> parse(std::vector<std::string> origins);

  [[nodiscard]] bool allows(std::string_view origin) const;
  // For every answer to this request: who may read it, and that it differs by origin.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> headers(const Request& request) const;
  // The answer to a preflight; nothing: the request is none. `methods`: what the path takes, "GET, HEAD".
  [[nodiscard]] std::optional<Response> preflight(const Request& request, const std::string& methods) const;

 private:
  std::vector<std::string> origins_;
  bool any_ = false;
};

}  // namespace turnkeeper::http
