// A real coturn with the configuration and the database that lib/coturn makes for it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "turnkeeper/coturn/config.hpp"
#include "turnkeeper/coturn/relay_process.hpp"
#include "turnkeeper/coturn/turndb.hpp"

namespace turnkeeper::coturn {

class RelayUnderTest {
 public:
  static constexpr const char* realm = "turn.example.org";

  // Fills in realm and paths, and accepts `secret`. Listening when it returns; a test failure when it does not.
  RelayUnderTest(const std::string& turnserver, Settings settings);
  ~RelayUnderTest();
  RelayUnderTest(const RelayUnderTest&) = delete;
  RelayUnderTest& operator=(const RelayUnderTest&) = delete;

  [[nodiscard]] std::string where() const;  // "10.77.0.1:3478"
  [[nodiscard]] TurnDb& database() { return *database_; }
  [[nodiscard]] RelayProcess& process() { return *process_; }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] int allocations() const;
  // What its log complains of so far.
  [[nodiscard]] std::vector<std::string> complaints() const;

  const Secret secret = Secret::random(32);

 private:
  Settings settings_;
  Version version_;
  std::string directory_;
  std::unique_ptr<TurnDb> database_;
  mutable std::mutex mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<RelayProcess> process_;
};

}  // namespace turnkeeper::coturn
