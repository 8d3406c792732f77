#include "monitor/access/admitted_streams.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace turnkeeper::monitor {

std::shared_ptr<AdmittedStreams::Stay> AdmittedStreams::add(Caller caller, std::function<void()> end) {
  auto stay = std::make_shared<Stay>(gate_, std::move(caller), std::move(end));
  if (const auto& until = stay->caller_.until) next_ = std::min(next_.value_or(*until), *until);
  stays_.push_back(*stay);
  return stay;
}

void AdmittedStreams::keys_changed() {
  end_those_not_good();
}

void AdmittedStreams::on_time() {
  if (next_ && clock_.system() >= *next_) end_those_not_good();
}

void AdmittedStreams::end_those_not_good() {
  next_.reset();
  std::vector<std::function<void()>> ends;
  for (auto& stay : stays_) {
    if (!stay.end_) continue;
    if (!gate_.still_admits(stay.caller_)) {
      ends.push_back(std::exchange(stay.end_, {}));
    } else if (const auto& until = stay.caller_.until) {
      next_ = std::min(next_.value_or(*until), *until);
    }
  }
  // Only now: an end may drop stays.
  for (const auto& end : ends) end();
}

}  // namespace turnkeeper::monitor
