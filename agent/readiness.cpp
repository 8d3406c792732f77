#include "agent/readiness.hpp"

#include "turnkeeper/turn/credentials.hpp"
#include "turnkeeper/turn/udp_transport.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto good_for = 1s;
constexpr auto bad_for = 200ms;  // a relay that starts is ready within a fraction of a second
constexpr auto deadline = 900ms;

bool is_full(const turn::Failure& failure) {
  return failure.kind == turn::Failure::Kind::error_response && (failure.code == 486 || failure.code == 508);
}

Result<> explain(const turn::Failure& failure) {
  using Kind = turn::Failure::Kind;
  switch (failure.kind) {
    case Kind::timeout:
      return fail("the relay does not answer Allocate", "see coturn's log lines");
    case Kind::unauthorized:
      return fail("the relay refuses the issuing key", "check that its state directory is writable and not full");
    case Kind::stale_nonce:
      return fail("the relay answers 438 (Stale Nonce) again and again");
    case Kind::malformed:
      return fail("the relay's answer makes no sense: " + failure.reason);
    case Kind::error_response:
      break;
  }
  return fail("the relay answers Allocate with " + std::to_string(failure.code) + " " + failure.reason);
}

}  // namespace

Readiness::Readiness(boost::asio::io_context& io, turn::SocketAddress relay) : io_(io), relay_(relay), timer_(io) {}

void Readiness::use(Secret key) {
  key_ = std::move(key);
  last_.reset();
}

void Readiness::check(Answer answer) {
  if (last_ && real_clock().steady() - last_at_ < (*last_ ? good_for : bad_for)) return answer(*last_);
  waiting_.push_back(std::move(answer));
  if (waiting_.size() == 1) begin();
}

void Readiness::begin() {
  auto transport = turn::open_udp(io_.get_executor(), relay_);
  if (!transport) return finish(fail(transport.error()));
  const auto credential = turn::time_limited_credential(key_, "turnkeeper-agent", real_clock().system() + 1min);
  session_ = std::make_unique<turn::Session>(
      io_.get_executor(), real_clock(), std::move(*transport),
      turn::ClientConfig{.username = credential.username,
                         .password = credential.password,
                         .retransmission = {.rto = 150ms, .max_requests = 3, .last_wait = 3}},
      turn::Session::Handlers{.on_event = [this](const turn::Event& event) { on_event(event); },
                              .on_data = {},
                              .on_unreachable =
                                  [this](const turn::PathFailure& failure) {
                                    finish(fail("the relay's port does not answer: " + failure.reason,
                                                "see coturn's log lines"));
                                  }});
  session_->allocate();
  timer_.expires_after(deadline);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) finish(fail("the relay did not answer in time", "see coturn's log lines"));
  });
}

void Readiness::on_event(const turn::Event& event) {
  if (std::holds_alternative<turn::Allocated>(event)) return finish({});  // the session's end gives it back
  if (const auto* failure = std::get_if<turn::Failure>(&event))
    finish(is_full(*failure) ? Result<>() : explain(*failure));
}

void Readiness::finish(Result<> result) {
  session_.reset();
  timer_.cancel();
  last_ = std::move(result);
  last_at_ = real_clock().steady();
  for (auto& answer : std::exchange(waiting_, {})) answer(*last_);
}

}  // namespace turnkeeper::agent
