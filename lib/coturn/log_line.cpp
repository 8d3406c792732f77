#include "turnkeeper/coturn/log_line.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

namespace turnkeeper::coturn {
namespace {

// "Trying to bind fd 17 to <127.0.0.1:3478>: errno=98": the one line that every version writes.
std::optional<Error> explain_bind(std::string_view line) {
  const std::size_t start = line.find("Trying to bind fd ");
  const std::size_t open = line.find('<', start);
  const std::size_t close = line.find(">: errno=", start);
  if (start == std::string_view::npos || open == std::string_view::npos || close == std::string_view::npos) return {};
  const std::string where(line.substr(open + 1, close - open - 1));
  const std::string_view number = line.substr(close + 9);
  int reason = 0;
  std::from_chars(number.data(), number.data() + number.size(), reason);

  const std::size_t colon = where.rfind(':');
  const std::string port = where.substr(colon == std::string::npos ? 0 : colon + 1);
  const std::string address = where.substr(0, colon);
  switch (reason) {
    case EADDRINUSE:
      return Error{"port " + port + " is taken by another process on " + address,
                   "stop that process (ss -lntup shows it), or give the relay another port"};
    case EADDRNOTAVAIL:
      return Error{"this machine does not have the address " + address, "give the relay one that it has (ip addr)"};
    case EACCES:
      return Error{"not allowed to listen on port " + port, "use a port from 1024 up, or grant CAP_NET_BIND_SERVICE"};
    default:
      return Error{"cannot listen on " + where + ": " + std::strerror(reason), ""};
  }
}

}  // namespace

std::optional<Error> explain_log_line(std::string_view line) {
  if (line.find("Cannot open SQLite DB connection") != std::string_view::npos) {
    return Error{"coturn cannot open its database", "its directory must be writable by the user that coturn runs as"};
  }
  if (line.find("Bad configuration format") != std::string_view::npos) {
    return Error{"coturn does not know an option of its configuration: " + std::string(line),
                 "report it with the coturn version: this one is newer than Turnkeeper knows"};
  }
  return explain_bind(line);
}

}  // namespace turnkeeper::coturn
