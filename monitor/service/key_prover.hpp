// Proves signing keys on relays by allocating with them: that one which is to be issued next is accepted everywhere
// before any client gets it, and that one which was removed is refused. Within about two seconds of hearing of a key,
// again every two seconds until the answer is the one it should be, and again after a relay has restarted. What comes
// of it is for whoever rotates keys; it says nothing of the relay's health.
//
//   KeyProver prover(io.get_executor(), clock, {.vantage = "fra-1", .resolver = resolver, .on_proof = ...});
//   prover.set(fleet);
//   prover.again(id);                     // it was restarted
//
// Runs on one single-threaded executor; no handler is called from within a call, or after stop() or destruction.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/any_io_executor.hpp>
#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "monitor/service/due_work.hpp"
#include "monitor/service/probe_gate.hpp"
#include "monitor/target/fleet.hpp"
#include "monitor/target/relay_health.hpp"
#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/resolve.hpp"
#include "turnkeeper/turn/tls.hpp"

namespace turnkeeper::monitor {

class KeyProver {
 public:
  struct Options {
    std::string vantage;
    std::shared_ptr<turn::Resolver> resolver;
    // Asked before each attempt: one on a relay that is known to be dead would only keep others waiting. Empty: yes.
    std::function<bool(const RelayId&)> answers = {};
    // With each attempt that was answered.
    std::function<void(const RelayId&, const std::string& key, KeyProof)> on_proof = {};
    std::chrono::milliseconds spread{1'000};  // over which the first attempts on all relays are spread
    std::chrono::milliseconds again{2'000};   // after an attempt that did not end as it should
    std::chrono::milliseconds patience{3'000};
    std::size_t at_once = 16;
  };

  // The clock outlives it; its steady time must be the machine's.
  KeyProver(boost::asio::any_io_executor executor, const Clock& clock, Options options);
  ~KeyProver();
  KeyProver(const KeyProver&) = delete;
  KeyProver& operator=(const KeyProver&) = delete;

  // The staged and the removed keys of each cluster, on each of its relays that takes the cluster's keys. What is
  // proven already is not tried again.
  void set(const Fleet& fleet);
  // For relays whose canary URI is turns:.
  void set_tls(std::shared_ptr<turn::TlsContext> tls) { tls_ = std::move(tls); }
  // The relay was restarted, and may know other keys than before.
  void again(const RelayId& id);
  // Nothing is left on any relay a second or two later.
  void stop();

 private:
  struct Question {
    RelayId relay;
    std::string key;
    auto operator<=>(const Question&) const = default;
  };
  struct Asked {
    turn::Uri uri;
    Secret secret;
    std::chrono::seconds ttl;
    bool must_accept = false;
    bool operator==(const Asked&) const = default;
  };
  void set_due(const Question& question, std::chrono::nanoseconds from_now);
  void try_key(const Question& question);
  void try_key(const Question& question, std::shared_ptr<ProbeGate::Pass> pass);
  void answered(const Question& question, const Asked& asked, std::optional<bool> accepted);

  const boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const Options options_;
  std::shared_ptr<turn::TlsContext> tls_;
  std::shared_ptr<ProbeGate> gate_;
  std::map<Question, Asked> questions_;
  DueWork<Question> turns_;
  std::stop_source stop_;
  // Attempts may end after this object is gone.
  std::shared_ptr<KeyProver*> alive_ = std::make_shared<KeyProver*>(this);
};

}  // namespace turnkeeper::monitor
