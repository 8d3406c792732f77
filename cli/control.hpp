// The control socket of a running `turnctl up`, from both sides: HTTP over a unix socket.
// - GET /relays {"cluster":"demo","url":"http://127.0.0.1:8480","relays":[{"name","region","address","state"}]}
// - POST /relays/NAME/stop kills the relay and keeps it down
// - POST /relays/NAME/drain takes it from the clients' lists; it goes on for those who still use it
// - POST /relays/NAME/start lets it run again, or ends its draining
// - POST /keys/rotate, POST /keys/revoke ask for a new signing key: {"message":"what happens now"}
// The room's page asks for the same below /room, but for the keys.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/local_keys.hpp"
#include "cli/local_relays.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::cli {

struct ControlRoutes {
  std::string prefix;                                     // "/room"
  std::string cluster;                                    // its name
  std::function<std::string()> url;                       // of the monitor
  std::function<bool(const http::Request&)> changes;      // who may change something; others get 403
  std::function<void()> changed;                          // called after each stop, drain and start
  std::function<std::string(LocalKeys::Request)> rotate;  // asks for a new key and says what happens; empty: not here
};

// `relays` outlives the router; it is filled in before the first request.
void add_control_routes(http::Router& router, const std::unique_ptr<LocalRelays>& relays, const ControlRoutes& routes);

struct ControlledRelay {
  std::string name;
  std::string region;
  std::string address;
  std::string state;  // "running", "starting", "draining", "stopped"
};

struct ControlledCluster {
  std::string name;
  std::string url;  // of the monitor
  std::vector<ControlledRelay> relays;
};

class Control {
 public:
  // `state_directory` empty: the one `turnctl up` that runs; an error when there is none, or several.
  [[nodiscard]] static Result<Control> connect(const std::string& state_directory);

  [[nodiscard]] Result<ControlledCluster> list() const;
  [[nodiscard]] Result<void> stop(const std::string& relay) const { return post(relay, "stop"); }
  [[nodiscard]] Result<void> drain(const std::string& relay) const { return post(relay, "drain"); }
  [[nodiscard]] Result<void> start(const std::string& relay) const { return post(relay, "start"); }
  // What happens now, in words.
  [[nodiscard]] Result<std::string> rotate(LocalKeys::Request request) const;

 private:
  explicit Control(std::string address) : address_(std::move(address)) {}
  [[nodiscard]] Result<void> post(const std::string& relay, const std::string& action) const;
  std::string address_;
};

}  // namespace turnkeeper::cli
