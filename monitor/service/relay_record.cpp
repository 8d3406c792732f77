#include "monitor/service/relay_record.hpp"

#include <algorithm>
#include <utility>

#include "monitor/probe/impact.hpp"

namespace turnkeeper::monitor {
namespace {

using api::Cause;

// Nothing was refused; something did not come back, which a lossy line explains as well.
bool is_timeout(Cause cause) {
  return cause == Cause::connect_timeout || cause == Cause::allocate_timeout || cause == Cause::data_path ||
         cause == Cause::unreachable || cause == Cause::dns;
}

}  // namespace

void EchoWindow::resize(std::size_t size) {
  if (size == lost_.size()) return;
  lost_.assign(size, false);
  next_ = count_ = losses_ = 0;
}

void EchoWindow::add(bool came_back) {
  if (lost_.empty()) return;
  if (lost_[next_]) --losses_;
  lost_[next_] = !came_back;
  if (!came_back) ++losses_;
  next_ = next_ + 1 == lost_.size() ? 0 : next_ + 1;
  count_ = std::min(count_ + 1, lost_.size());
}

double EchoWindow::loss_percent() const {
  return count_ == 0 ? 0 : 100.0 * static_cast<double>(losses_) / static_cast<double>(count_);
}

void LeastRoundTrip::add(std::chrono::nanoseconds round_trip, SteadyTime now) {
  if (least_ && now - began_ >= window) {
    value_ = std::exchange(least_, std::nullopt);
    first_is_over_ = true;
  }
  if (!least_) began_ = now;
  least_ = std::min(round_trip, least_.value_or(round_trip));
  if (!first_is_over_) value_ = least_;
}

bool ProbeFindings::add(ProbeResult result, SteadyTime now, std::chrono::nanoseconds interval) {
  newest_ = std::move(result);
  std::erase_if(kept_, [&](const auto& entry) { return now - entry.second.at > 3 * interval; });
  kept_.insert_or_assign(newest_->endpoint, Kept{now, *newest_});
  // A prober that could not do its work has learned nothing about the relay.
  if (impact(newest_->cause) == Impact::unknown) return false;
  // An address that the name does not resolve to any more is probed no more.
  std::erase_if(findings_, [&](const Finding& finding) { return now - finding.at > 3 * interval; });
  auto found = std::ranges::find(findings_, newest_->endpoint, &Finding::endpoint);
  if (found == findings_.end()) found = findings_.insert(findings_.end(), Finding{.endpoint = newest_->endpoint});
  found->at = now;
  found->ok = newest_->ok;
  found->cause = newest_->cause;
  found->detail = newest_->detail;
  found->silences = !newest_->ok && is_timeout(newest_->cause) ? found->silences + 1 : 0;
  return found->silences == 1;
}

std::vector<ProbeResult> ProbeFindings::each() const {
  std::vector<ProbeResult> out;
  for (const auto& [endpoint, kept] : kept_) out.push_back(kept.result);
  return out;
}

void ProbeFindings::forget() {
  findings_.clear();
}

bool ProbeFindings::is_unusable(const Finding& finding) {
  return !finding.ok && impact(finding.cause) == Impact::unusable && finding.silences != 1;
}

void ProbeFindings::apply(Observation& observation) const {
  if (!observation.usable) return;
  const Finding* complaint = nullptr;
  const auto grave = [](const Finding& finding) { return is_unusable(finding) ? 2 : finding.ok ? 0 : 1; };
  for (const auto& finding : findings_) {
    if (finding.cause != Cause::none && (!complaint || grave(finding) > grave(*complaint))) complaint = &finding;
  }
  if (!complaint) return;
  observation.usable = !std::ranges::all_of(findings_, is_unusable);
  observation.cause = complaint->cause;
  observation.detail = complaint->detail;
}

}  // namespace turnkeeper::monitor
