#include "monitor/provider/asker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>

#include "monitor/provider/provider_config.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

using std::chrono::milliseconds;

double luck() {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution<>()(random);
}

ProviderConfig question(ProviderConfig config) {
  config.name.clear();
  config.in_region.clear();
  config.cost_per_gigabyte = 0;
  config.probe_every = {};
  return config;
}

// The request itself is wrong, or who sends it; neither heals by itself within seconds.
bool is_refusal(int status) {
  constexpr int timeout = 408;
  constexpr int too_early = 425;
  constexpr int too_many = 429;
  return status >= 300 && status < 500 && status != timeout && status != too_early && status != too_many;
}

}  // namespace

void Providers::Asker::start(const boost::asio::any_io_executor& executor, const OnChange& on_change) {
  thread_ = std::jthread([this, executor, on_change](const std::stop_token& stop) {
    run(executor, on_change, stop);
    ended_ = true;
  });
}

bool Providers::Asker::asks_for(const ProviderConfig& config) const {
  return question(config_) == question(config);
}

void Providers::Asker::run(const boost::asio::any_io_executor& executor, const OnChange& on_change,
                           const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    breaker_.ask_again();
    Round round;
    const auto next = Deadline::after(clock_, ask(round, stop));
    if (stop.stop_requested()) return;
    tell(executor, on_change, std::move(round));
    while (!next.expired(clock_) && !stop.stop_requested()) {
      auto pause = std::chrono::ceil<milliseconds>(next.at() - clock_.steady());
      if (expires_) {
        const auto left = std::chrono::ceil<milliseconds>(*expires_ - clock_.system());
        pause = std::min(pause, std::max(left, milliseconds(0)));
      }
      wait(pause, stop);
      if (!expires_ || clock_.system() < *expires_) continue;
      expires_.reset();
      if (!stop.stop_requested()) tell(executor, on_change, std::nullopt);
    }
  }
}

milliseconds Providers::Asker::ask(Round& round, const std::stop_token& stop) {
  const auto response = rest::send(provider_request(config_), Deadline::after(clock_, pace_.timeout), stop);
  if (!response) {
    return gave_up({},
                   {"the API does not answer: " + response.error().message,
                    "check its URL, its certificate, and the way out to it"},
                   round);
  }
  auto answer = read_answer(config_, *response, clock_.system());
  if (answer) return took(std::move(*answer), round);
  return gave_up({.refused = is_refusal(response->status), .retry_after = response->retry_after}, answer.error(),
                 round);
}

milliseconds Providers::Asker::took(Provided answer, Round& round) {
  breaker_.answered();
  if (!std::exchange(complained_of_, {}).empty()) log::info("the provider answers again", {{"provider", config_.name}});
  expires_ = answer.expires;
  const auto life = std::chrono::duration_cast<milliseconds>(answer.expires - clock_.system());
  round.provided = std::move(answer);
  return std::max(pace_.shortest_life, life * 3 / 4);
}

// Told once for as long as the same is wrong.
milliseconds Providers::Asker::gave_up(const Breaker::Failure& failure, const Error& error, Round& round) {
  const auto before = breaker_.state();
  const auto pause = breaker_.failed(failure, luck());
  round.breaker = breaker_.state();
  round.trouble = error.text();
  if (std::exchange(complained_of_, error.text()) != error.text()) {
    log::warn("the provider gives no credential", {{"provider", config_.name}, {"error", error.text()}});
  }
  if (before == Breaker::State::closed && round.breaker == Breaker::State::open) {
    log::warn("the provider is asked seldom until it answers", {{"provider", config_.name}});
  }
  return pause;
}

void Providers::Asker::tell(const boost::asio::any_io_executor& executor, const OnChange& on_change,
                            std::optional<Round> round) {
  boost::asio::post(executor, [weak = weak_from_this(), on_change, round = std::move(round)]() mutable {
    const auto self = weak.lock();
    const auto tell = on_change.lock();
    if (!self || !tell) return;
    if (round) {
      self->breaker = round->breaker;
      self->trouble = std::move(round->trouble);
      self->well = round->provided.has_value();
      ++(round->provided ? self->answered : self->failed);
      if (round->provided) self->provided = std::move(round->provided);
    }
    (*tell)();
  });
}

void Providers::Asker::wait(milliseconds pause, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, pause, [] { return false; });
}

}  // namespace turnkeeper::monitor
