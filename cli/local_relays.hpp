// The coturn processes of `turnctl up`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/local_fleet.hpp"
#include "cli/state_directory.hpp"
#include "turnkeeper/coturn/relay_process.hpp"
#include "turnkeeper/coturn/turndb.hpp"
#include "turnkeeper/coturn/version.hpp"

namespace turnkeeper::cli {

// Thread-safe: no.
class LocalRelays {
 public:
  struct Options {
    std::string turnserver = "turnserver";
    std::string realm;
    // A relay's log told of a problem, or the relay crashed. Called on the relay's own thread.
    std::function<void(const std::string& relay, const Error& problem)> on_problem;
  };
  struct State {
    std::string name;
    std::string region;
    std::string address;  // "127.0.0.1:3478"
    bool held = false;    // stopped on purpose
    bool draining = false;
    std::optional<pid_t> pid;
  };

  // Starts them all, or none, and waits (5 s at most) until they answer. Errors: no coturn, or one that is not
  // supported; a port is taken; a file cannot be written.
  [[nodiscard]] static Result<std::unique_ptr<LocalRelays>> start(const StateDirectory& state,
                                                                  const std::vector<LocalRelay>& relays,
                                                                  const api::SigningKeys& keys, Options options);

  [[nodiscard]] std::vector<State> list() const;
  // Kills it (SIGKILL) and keeps it down. Nothing happens to one that is down. An error names the relays that there
  // are.
  [[nodiscard]] Result<void> stop(const std::string& name);
  // Lets it run (again), and ends its draining.
  [[nodiscard]] Result<void> start(const std::string& name);
  // Marks it: it goes on, and list() says so. Whoever lists relays to clients takes it from them.
  [[nodiscard]] Result<void> drain(const std::string& name);
  // From now on they accept credentials of these keys (but the removed ones), those that are down as well. An error is
  // that of the first relay that could not be told; the others are.
  [[nodiscard]] Result<void> accept(const api::SigningKeys& keys);

  [[nodiscard]] const coturn::Version& version() const { return version_; }

 private:
  struct Entry {
    LocalRelay relay;
    std::string directory;
    coturn::TurnDb database;  // stays open as long as the relay runs
    std::unique_ptr<coturn::RelayProcess> process;
    bool draining = false;
  };

  explicit LocalRelays(Options options) : options_(std::move(options)) {}
  [[nodiscard]] Result<void> add(const StateDirectory& state, LocalRelay relay, const std::vector<Secret>& secrets);
  [[nodiscard]] Result<void> run(Entry& entry) const;
  [[nodiscard]] Result<Entry*> find(const std::string& name);

  Options options_;
  coturn::Version version_;
  std::vector<Entry> entries_;
};

}  // namespace turnkeeper::cli
