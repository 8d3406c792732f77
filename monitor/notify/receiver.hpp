// Who is told, and how: one entry of `notifications:` in monitor.yaml.
//
//   notifications:
//   - name: on-call
//     type: slack                      # generic | slack | ntfy
//     urlFile: slack.url               # or url: https://... when there is no secret in it
//     headerFiles: {Authorization: bearer.txt}
//     minSeverity: warning             # info | warning | critical
//     resolved: true
//     maxPerHour: 20
//
// Files are read again for each message, so a secret may be replaced at any time.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "monitor/notify/notification.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

struct Receiver {
  enum class Type { generic, slack, ntfy };
  std::string name;  // unique among the receivers; a metric label
  Type type = Type::generic;
  // One of the two. "https://..." or "http://...". A Secret because most webhook URLs hold a token.
  Secret url;
  std::string url_file;
  std::map<std::string, std::string> header_files;  // header name -> file with its value
  std::string ca_file;                              // PEM; empty: the system's authorities
  Severity min_severity = Severity::warning;
  bool resolved = true;           // told also when it is over
  std::size_t max_per_hour = 20;  // 1 to 1000; beyond that one summary takes the place of the rest
  bool operator==(const Receiver&) const = default;
};

constexpr std::size_t most_receivers = 32;

[[nodiscard]] std::string_view receiver_type_name(Receiver::Type type);  // "generic", "slack", "ntfy"
[[nodiscard]] Result<Receiver::Type> parse_receiver_type(std::string_view name);
// "https://HOST/..." or "http://HOST/...". The error's text does not repeat the URL.
[[nodiscard]] Result<> check_receiver_url(const Secret& url);

}  // namespace turnkeeper::monitor
