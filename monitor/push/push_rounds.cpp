#include "monitor/push/push_rounds.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t clients_a_turn = 500;  // some 5 ms

}  // namespace

PushRounds::PushRounds(boost::asio::any_io_executor executor, PushHub& hub, const Clock& clock, OnTold on_told,
                       std::function<void()> on_done)
    : executor_(std::move(executor)),
      hub_(hub),
      clock_(clock),
      on_told_(std::move(on_told)),
      on_done_(std::move(on_done)) {}

void PushRounds::changed(std::vector<Death> deaths) {
  std::ranges::move(deaths, std::back_inserter(deaths_));
  hub_.changed();
  if (!waiting_) work();
}

void PushRounds::on_time() {
  hub_.on_time();
  if (!waiting_) work();
}

void PushRounds::work() {
  if (hub_.work(clients_a_turn).more) {
    waiting_ = true;
    boost::asio::post(executor_, [weak = std::weak_ptr(alive_)] {
      const auto alive = weak.lock();
      if (!alive) return;
      (*alive)->waiting_ = false;
      (*alive)->work();
    });
    return;
  }
  if (hub_.size() > 0) {
    for (const auto& death : deaths_) on_told_(death.cluster, death.region, clock_.steady() - death.first_miss);
  }
  deaths_.clear();
  if (on_done_) on_done_();
}

}  // namespace turnkeeper::monitor
