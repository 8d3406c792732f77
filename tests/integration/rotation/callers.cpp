#include "callers.hpp"

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <thread>

#include "turnkeeper/turn/session.hpp"
#include "turnkeeper/turn/udp_transport.hpp"

namespace turnkeeper::test {

using namespace std::chrono_literals;

class Callers::Crowd {
 public:
  explicit Crowd(const std::vector<Caller>& callers) : timer_(io_) {
    for (const auto& caller : callers) calls_.push_back(std::make_unique<Call>(caller));
    tick();
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~Crowd() {
    io_.stop();
    thread_.join();
  }

  Tally tally() const {
    std::lock_guard lock(mutex_);
    const SteadyTime now = real_clock().steady();
    Tally tally{.least_refreshes = calls_.empty() ? 0 : calls_.front()->refreshed};
    for (const auto& call : calls_) {
      tally.talking += call->heard && now - *call->heard < 3s ? 1 : 0;
      tally.refreshes += call->refreshed;
      tally.least_refreshes = std::min(tally.least_refreshes, call->refreshed);
    }
    tally.ended = ended_;
    return tally;
  }

 private:
  static constexpr auto interval = 100ms;
  static constexpr std::size_t beats =
      20;  // each caller does something every second beat, a refresh every second round

  struct Call {
    explicit Call(const Caller& caller) : caller(caller) {}
    const Caller caller;
    std::unique_ptr<turn::Session> session;
    std::uint16_t channel = 0;
    bool bound = false;
    std::optional<SteadyTime> heard;
    int refreshed = 0;
  };

  void start(Call& call) {
    auto transport = turn::open_udp(io_.get_executor(), *turn::SocketAddress::parse(call.caller.relay));
    if (!transport) {
      std::lock_guard lock(mutex_);
      ended_.push_back(transport.error().text());
      return;
    }
    call.session = std::make_unique<turn::Session>(
        io_.get_executor(), real_clock(), std::move(*transport),
        turn::ClientConfig{.username = call.caller.credential.username, .password = call.caller.credential.password},
        turn::Session::Handlers{.on_event = [this, &call](const turn::Event& event) { on_event(call, event); },
                                .on_data =
                                    [this, &call](std::uint16_t, turn::Bytes) {
                                      std::lock_guard lock(mutex_);
                                      call.heard = real_clock().steady();
                                    },
                                .on_unreachable = [](const turn::PathFailure&) {}});
    call.session->allocate();
  }

  void on_event(Call& call, const turn::Event& event) {
    std::lock_guard lock(mutex_);
    if (const auto* allocated = std::get_if<turn::Allocated>(&event)) {
      call.channel = call.session->bind_channel(allocated->relayed);
    } else if (std::holds_alternative<turn::ChannelBound>(event)) {
      call.bound = true;
    } else if (std::holds_alternative<turn::Refreshed>(event)) {
      ++call.refreshed;
    } else if (const auto* failure = std::get_if<turn::Failure>(&event)) {
      ended_.push_back(call.caller.relay + ": " + std::string(turn::operation_name(failure->operation)) + ": " +
                       std::to_string(failure->code) + ' ' + failure->reason);
    }
  }

  void tick() {
    ++beat_;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      Call& call = *calls_[i];
      if (!call.session) {
        if (i % beats == beat_ % beats) start(call);
        continue;
      }
      if (!call.bound || i % 2 != beat_ % 2) continue;
      constexpr std::array<std::uint8_t, 100> speech{};
      call.session->send(call.channel, turn::Bytes(speech.data(), speech.size()));
      if (i % (2 * beats) == beat_ % (2 * beats)) call.session->refresh();
    }
    timer_.expires_after(interval);
    timer_.async_wait([this](boost::system::error_code) { tick(); });
  }

  boost::asio::io_context io_;
  boost::asio::steady_timer timer_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<std::string> ended_;
  std::size_t beat_ = 0;
  std::jthread thread_;
};

Callers::Callers(const std::vector<Caller>& callers) : crowd_(std::make_unique<Crowd>(callers)) {}
Callers::~Callers() = default;

Callers::Tally Callers::tally() const {
  return crowd_->tally();
}

}  // namespace turnkeeper::test
