// Streams outlive the request that they were let in by. Here they end when what was shown then is good no longer: an
// API key that was taken back or has expired, a token that has expired or whose signing key its issuer has withdrawn.
//
//   AdmittedStreams streams(gate, clock);
//   auto stay = streams.add(*caller, [stream] { stream->send(last_word()); stream->close(); });
//   ... if (stay->good()) stream->send(news);      // until the stay is dropped
//   streams.keys_changed();                        // when the gate decides by something else
//   streams.on_time();                             // each second
//
// A tenth of a microsecond for each stream, and nothing at all while no end is due. One thread; what was added must be
// dropped before this is gone.
#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "monitor/access/gate.hpp"

namespace turnkeeper::monitor {

class AdmittedStreams {
 public:
  class Stay : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    Stay(const Gate& gate, Caller caller, std::function<void()> end)
        : gate_(gate), caller_(std::move(caller)), end_(std::move(end)) {}
    [[nodiscard]] const Caller& caller() const { return caller_; }
    // Whether the stream may be told anything; it may have ceased to be since the last on_time().
    [[nodiscard]] bool good() const { return end_ && gate_.still_admits(caller_); }

   private:
    friend class AdmittedStreams;
    const Gate& gate_;
    const Caller caller_;
    std::function<void()> end_;
  };

  // Both outlive it.
  AdmittedStreams(const Gate& gate, const Clock& clock) : gate_(gate), clock_(clock) {}

  // `end` is called once at most, from keys_changed() or on_time(), and not after the stay was dropped. It may drop
  // stays, this one too.
  [[nodiscard]] std::shared_ptr<Stay> add(Caller caller, std::function<void()> end);

  void keys_changed();
  void on_time();

 private:
  void end_those_not_good();

  const Gate& gate_;
  const Clock& clock_;
  boost::intrusive::list<Stay, boost::intrusive::constant_time_size<false>> stays_;
  std::optional<SystemTime> next_;  // the first one ends by itself then, or later
};

}  // namespace turnkeeper::monitor
