// A TURN client over UDP whose every step waits for its outcome. For one thread, in a private network: it takes its
// local ports from 20000 to 29999.
#pragma once

#include <optional>
#include <string>

#include "turnkeeper/turn/client.hpp"
#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::test {

class BlockingClient {
 public:
  BlockingClient(const std::string& relay, const turn::Credential& credential);
  // Gives its allocation back.
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  // "" for success, else what the relay said: "403 Forbidden", "timeout".
  std::string binding();
  std::string allocate();
  std::string bind_channel(const turn::SocketAddress& peer);
  std::string refresh();
  std::string release();
  // Sends a payload on the last channel bound and waits for it to come back there.
  bool echo(const std::string& payload);

  [[nodiscard]] const turn::SocketAddress& relayed() const { return relayed_; }

 private:
  std::string finish(turn::Operation operation);
  void flush();
  void receive_until(SteadyTime until);

  turn::Client client_;
  int fd_ = -1;
  std::uint16_t channel_ = 0;
  turn::SocketAddress relayed_;
  std::string received_;
};

// One allocation and its release: "" or what the relay said.
std::string try_allocation(const std::string& relay, const Secret& secret, const std::string& user = "test");

// Waits until something at this address answers Binding requests.
bool wait_until_listening(const std::string& relay, std::chrono::seconds patience = std::chrono::seconds(20));
// The same for TCP connections.
bool wait_until_connected(const std::string& address, std::uint16_t port,
                          std::chrono::seconds patience = std::chrono::seconds(20));

}  // namespace turnkeeper::test
