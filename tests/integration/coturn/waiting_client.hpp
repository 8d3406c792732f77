// connect() and Session for a test that waits for each step.
#pragma once

#include <utility>  // Boost.Asio 1.74 forgets it under C++20

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "turnkeeper/turn/connect.hpp"
#include "turnkeeper/turn/session.hpp"

namespace turnkeeper::turn::test {

using Outcome = tl::expected<Connection, ConnectFailure>;

// Runs until `ready` or ten seconds have passed; what `ready` says in the end.
template <class Ready>
bool run_until(boost::asio::io_context& io, Ready ready) {
  const auto deadline = Deadline::after(real_clock(), std::chrono::seconds(10));
  while (!ready() && !deadline.expired(real_clock())) {
    io.restart();
    io.run_one_for(std::chrono::milliseconds(50));
  }
  return ready();
}

inline std::optional<Outcome> connect_and_wait(boost::asio::io_context& io, const Endpoint& endpoint,
                                               ConnectOptions options) {
  if (options.deadline.at() == SteadyTime::max()) {
    options.deadline = Deadline::after(real_clock(), std::chrono::seconds(5));
  }
  std::optional<Outcome> outcome;
  connect(io.get_executor(), endpoint, std::move(options), [&](Outcome result) { outcome = std::move(result); });
  run_until(io, [&] { return outcome.has_value(); });
  return outcome;
}

// One allocation and its channel to itself.
class WaitingClient {
 public:
  WaitingClient(boost::asio::io_context& io, std::unique_ptr<Transport> transport, const Credential& credential,
                std::optional<SocketAddress::Family> family = std::nullopt)
      : io_(io),
        session_(std::make_unique<Session>(
            io.get_executor(), real_clock(), std::move(transport),
            ClientConfig{.username = credential.username, .password = credential.password, .address_family = family},
            Session::Handlers{.on_event = [this](const Event& event) { event_ = event; },
                              .on_data = [this](std::uint16_t,
                                                Bytes payload) { data_ = std::string(payload.begin(), payload.end()); },
                              .on_unreachable = [this](const PathFailure& failure) { path_ = failure; }})) {}

  std::optional<Event> allocate() {
    session_->allocate();
    return next_event();
  }
  // Binds to the relayed address and sends; what came back.
  std::optional<std::string> echo(const std::string& text) {
    if (channel_ == 0) {
      const auto allocated = event_ ? std::get_if<Allocated>(&*event_) : nullptr;
      if (allocated == nullptr) return std::nullopt;
      channel_ = session_->bind_channel(allocated->relayed);
      const auto bound = next_event();
      if (!bound || !std::holds_alternative<ChannelBound>(*bound)) return std::nullopt;
    }
    data_.reset();
    session_->send(channel_, Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    run_until(io_, [&] { return data_.has_value() || path_.has_value(); });
    return data_;
  }
  std::optional<Event> release() {
    session_->release();
    return next_event();
  }
  std::optional<PathFailure> wait_for_path_failure() {
    run_until(io_, [&] { return path_.has_value(); });
    return path_;
  }
  Session& session() { return *session_; }

 private:
  std::optional<Event> next_event() {
    event_.reset();
    run_until(io_, [&] { return event_.has_value() || path_.has_value(); });
    return event_;
  }

  boost::asio::io_context& io_;
  std::uint16_t channel_ = 0;
  std::optional<Event> event_;
  std::optional<std::string> data_;
  std::optional<PathFailure> path_;
  std::unique_ptr<Session> session_;
};

}  // namespace turnkeeper::turn::test
