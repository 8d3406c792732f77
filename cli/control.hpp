// The control socket of a running `turnctl up`, from both sides: HTTP over a unix socket.
//   GET /relays {"cluster":"demo","url":"http://127.0.0.1:8480","relays":[{"name","region","address","state"}]} POST
//   /relays/NAME/stop   kills the relay and keeps it down POST /relays/NAME/start  lets it run again
#pragma once

#include <string>
#include <vector>

#include "cli/local_relays.hpp"
#include "turnkeeper/http/router.hpp"

namespace turnkeeper::cli {

// `relays` must outlive the router. `changed` is called after each stop and start.
[[nodiscard]] http::Router control_router(LocalRelays& relays, std::string cluster, std::string url,
                                          std::function<void()> changed);

struct ControlledRelay {
  std::string name;
  std::string region;
  std::string address;
  bool running = false;
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
  [[nodiscard]] Result<void> start(const std::string& relay) const { return post(relay, "start"); }

 private:
  explicit Control(std::string address) : address_(std::move(address)) {}
  [[nodiscard]] Result<void> post(const std::string& relay, const std::string& action) const;
  std::string address_;
};

}  // namespace turnkeeper::cli
