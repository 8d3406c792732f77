// A monitor's HTTP interface, as turnctl uses it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "turnkeeper/base/deadline.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/http/client.hpp"

namespace turnkeeper::cli {

struct IceQuery {
  std::string cluster;  // empty: the only one
  std::string region;   // empty: the first one
  std::string user = "turnctl";
  std::string session;
};

// What a client reads in an answer of /v1/ice or in an event of /v1/events.
struct ReceivedIce {
  struct Server {
    std::string url;
    std::string username;  // empty for STUN
    Secret credential;
  };
  std::vector<Server> turn;  // best first, one for each TURN URL
  std::string region;
  std::string served_by;
};

[[nodiscard]] Result<ReceivedIce> parse_ice(const std::string& json);

class MonitorClient {
 public:
  MonitorClient(std::string url, std::optional<Secret> api_key) : url_(std::move(url)), api_key_(std::move(api_key)) {}

  // The body of GET /v1/ice as it came.
  [[nodiscard]] Result<std::string> ice(const IceQuery& query, Deadline deadline) const;
  [[nodiscard]] Result<http::EventSource> events(const IceQuery& query, Deadline deadline) const;
  // The verdict of each relay by name: GET /api/relays.
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> verdicts(Deadline deadline) const;

 private:
  [[nodiscard]] Result<std::string> get(const std::string& target, Deadline deadline) const;
  [[nodiscard]] http::ClientRequest request(const std::string& target) const;
  std::string url_;
  std::optional<Secret> api_key_;
};

}  // namespace turnkeeper::cli
