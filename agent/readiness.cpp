#include "agent/readiness.hpp"

#include "turnkeeper/turn/credentials.hpp"

namespace turnkeeper::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto good_for = 1s;
constexpr auto bad_for = 200ms;  // a relay that starts is ready within a fraction of a second
constexpr const char* see_log = "see coturn's log lines";

bool is_full(const turn::Failure& failure) {
  return failure.kind == turn::Failure::Kind::error_response && (failure.code == 486 || failure.code == 508);
}

Result<> explain(const turn::Failure& failure) {
  using Kind = turn::Failure::Kind;
  switch (failure.kind) {
    case Kind::timeout:
      return fail("the relay does not answer Allocate", see_log);
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

Readiness::Readiness(boost::asio::io_context& io, const Clock& clock, turn::Endpoint relay,
                     std::chrono::milliseconds patience)
    : io_(io), clock_(clock), relay_(relay), patience_(patience), timer_(io) {}

void Readiness::use(Secret key) {
  key_ = std::move(key);
  last_.reset();
}

void Readiness::look_at(turn::Endpoint relay) {
  relay_ = relay;
  last_.reset();
}

void Readiness::check(Answer answer) {
  if (last_ && clock_.steady() - last_at_ < (last_->ready ? good_for : bad_for)) return answer(*last_);
  waiting_.push_back(std::move(answer));
  if (waiting_.size() == 1) begin();
}

void Readiness::begin() {
  using turn::Protocol;
  if (!tls_ && (relay_.protocol == Protocol::tls || relay_.protocol == Protocol::dtls)) {
    // Names and dates are the monitor's to judge: it looks from outside.
    auto context = turn::make_tls_context({.verify = false, .resume = false});
    if (!context) return finish({.ready = fail(context.error())});
    tls_ = std::move(*context);
  }
  timer_.expires_after(patience_);
  timer_.async_wait([this, round = round_](boost::system::error_code cancelled) {
    if (!cancelled && round == round_) finish({.ready = fail("the relay did not answer in time", see_log)});
  });
  connecting_ =
      turn::connect(io_.get_executor(), relay_, {.tls = tls_, .deadline = Deadline::after(real_clock(), patience_)},
                    [this](tl::expected<turn::Connection, turn::ConnectFailure> connection) {
                      if (connection) return allocate(std::move(connection->transport));
                      finish({.ready = fail("cannot connect to the relay: " + connection.error().detail, see_log)});
                    });
}

void Readiness::allocate(std::unique_ptr<turn::Transport> transport) {
  const auto credential = turn::time_limited_credential(key_, "turnkeeper-agent", clock_.system() + 1min);
  session_ = std::make_unique<turn::Session>(
      io_.get_executor(), real_clock(), std::move(transport),
      turn::ClientConfig{.username = credential.username,
                         .password = credential.password,
                         .retransmission = {.rto = patience_ / 6, .max_requests = 3, .last_wait = 3}},
      turn::Session::Handlers{
          .on_event = [this](const turn::Event& event) { on_event(event); },
          .on_data = {},
          .on_unreachable =
              [this](const turn::PathFailure& failure) {
                finish({.ready = fail("the relay's port does not answer: " + failure.reason, see_log)});
              }});
  session_->allocate();
}

void Readiness::on_event(const turn::Event& event) {
  // The session's end gives the allocation back.
  if (std::holds_alternative<turn::Allocated>(event)) return finish({.ready = {}, .answered = true});
  if (const auto* failure = std::get_if<turn::Failure>(&event)) {
    finish({.ready = is_full(*failure) ? Result<>() : explain(*failure),
            .answered = failure->kind != turn::Failure::Kind::timeout});
  }
}

void Readiness::finish(Outcome outcome) {
  ++round_;
  connecting_.cancel();
  session_.reset();
  timer_.cancel();
  last_ = std::move(outcome);
  last_at_ = clock_.steady();
  const Outcome told = *last_;  // an answer may make it count no more
  for (auto& answer : std::exchange(waiting_, {})) answer(told);
}

}  // namespace turnkeeper::agent
