// The rotation of signing keys in `turnctl up`: takes each step as soon as it is due, and gives its keys to relays and
// monitor.
//
//   KeyRotation rotation(io, std::move(keys), [&] { return serving_relays(relays->list(), seen); }, give);
//   rotation.start();
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/local_keys.hpp"
#include "cli/local_relays.hpp"
#include "monitor/target/relay_health.hpp"

namespace turnkeeper::cli {

// Threading: that of the io_context, which outlives it.
class KeyRotation {
 public:
  // An error: not everybody could be given them; it is tried again each second, and said.
  using Give = std::function<Result<void>(const api::SigningKeys&)>;

  KeyRotation(boost::asio::io_context& io, LocalKeys keys, std::function<std::vector<op::RotationRelay>()> serving,
              Give give);

  // Looks now and each second whether a step is due, until stop().
  void start();
  void stop() { timer_.cancel(); }
  // The same at once: the monitor has seen something new.
  void look();
  // Says what happens now.
  std::string ask(LocalKeys::Request request);
  // What it does or waits for; empty: nothing.
  [[nodiscard]] std::string words() const;

 private:
  LocalKeys keys_;
  std::function<std::vector<op::RotationRelay>()> serving_;
  Give give_;
  boost::asio::steady_timer timer_;
  bool given_ = true;  // relays and monitor have keys_'
  std::optional<Error> trouble_;
};

// The relays that clients may be on, each with what the monitor has seen of it. One that is down is not asked for a
// proof: before it serves again, it is proven with the key that issues.
[[nodiscard]] std::vector<op::RotationRelay> serving_relays(const std::vector<LocalRelays::State>& relays,
                                                            const std::vector<monitor::RelayHealth>& seen);

}  // namespace turnkeeper::cli
