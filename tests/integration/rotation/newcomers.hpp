// Clients that come all the time: each gets a credential from the monitor, and some use one that was given out earlier.
// None that is still good may be refused.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "turnkeeper/base/secret.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::test {

// What the monitor gives a client.
[[nodiscard]] turn::Credential fetch_credential(const std::string& monitor, const std::string& user);

class Newcomers {
 public:
  Newcomers(std::string monitor, std::vector<std::string> relays);

  struct Tally {
    int allocations = 0;
    int with_retired_keys = 0;         // of them with a credential of such a key
    std::vector<std::string> refused;  // "10.77.0.1:3478: 401 Unauthorized"
  };
  [[nodiscard]] Tally tally() const;
  // This secret signs no more.
  void retire(const Secret& secret);
  // From now on credentials that were made with this secret are past their time.
  void expire(const Secret& secret);

 private:
  void come(std::stop_token stop);
  void allocate(const turn::Credential& credential);

  const std::string monitor_;
  const std::vector<std::string> relays_;
  mutable std::mutex mutex_;  // held during an attempt, so that none is under way when expire() returns
  Tally tally_;
  std::vector<turn::Credential> credentials_;
  std::vector<Secret> retired_;
  std::jthread thread_;
};

}  // namespace turnkeeper::test
