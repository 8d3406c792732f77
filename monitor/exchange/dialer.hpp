// Whom to dial and when: the peers that were named, and each address of a name that is resolved again and again. An
// address that turned out to be ourselves, or somebody who is connected already, is left alone.
//
// On the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"

namespace turnkeeper::monitor {

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  struct Options {
    std::vector<std::string> peers;  // "host:port"
    std::string peers_dns;           // "name:port"
    std::chrono::milliseconds first_backoff;
    std::chrono::milliseconds longest_backoff;
    std::chrono::milliseconds resolve_every;
  };
  struct Handlers {
    // Begins an attempt, which ends with closed(). An error: it could not even begin.
    std::function<Result<void>(const std::string& address)> dial;
    std::function<bool(const std::string& instance)> is_connected;
  };

  // An error when peers_dns is no "name:port".
  [[nodiscard]] static Result<std::shared_ptr<Dialer>> make(boost::asio::any_io_executor executor, Options options,
                                                            Handlers handlers, const Clock& clock);

  // Dials what is due: to be called every 100 ms or so.
  void on_tick();
  // Who it is that answered there.
  void answered(const std::string& address, const std::string& instance);
  void is_ourselves(const std::string& address);
  // The attempt, or the connection, is over. `why` is logged once for each time that a peer goes away.
  void closed(const std::string& address, const std::string& why);
  // Nothing is called after it.
  void stop();

 private:
  struct Peer {
    bool wanted = true;
    bool is_up = false;  // an attempt is under way, or a connection stands
    bool is_us = false;
    bool complained = false;  // since it last answered
    std::string instance;     // who answered last
    SteadyTime next;
    std::chrono::milliseconds backoff;
  };

  Dialer(boost::asio::any_io_executor executor, Options options, Handlers handlers, const Clock& clock);
  void want(const std::string& address);
  void resolve();
  void resolved(const std::set<std::string>& addresses);
  void failed(const std::string& address, Peer& peer, const std::string& why);

  const Options options_;
  const Handlers handlers_;
  const Clock& clock_;
  std::string dns_name_, dns_port_;
  boost::asio::ip::basic_resolver<boost::asio::ip::tcp, boost::asio::any_io_executor> resolver_;
  SteadyTime next_resolve_;
  bool resolve_complained_ = false;
  bool stopped_ = false;
  std::map<std::string, Peer> peers_;  // by address
};

}  // namespace turnkeeper::monitor
