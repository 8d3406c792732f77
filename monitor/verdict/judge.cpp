#include "monitor/verdict/judge.hpp"

#include <algorithm>

namespace turnkeeper::monitor {
namespace {

using api::Cause;
using api::Verdict;

struct Votes {
  std::size_t voters = 0;
  std::size_t abstained = 0;  // blind
  std::size_t unusable = 0;
  std::size_t draining = 0;                // say so, whether they can still use it or not
  const Observation* complaint = nullptr;  // the newest that has a cause; an unusable one before a usable one
  std::optional<SteadyTime> next_stale;
};

Votes count(std::span<const Observation> observations, const Policy& policy, SteadyTime now) {
  Votes votes;
  for (const auto& seen : observations) {
    if (now - seen.at > policy.freshness) continue;
    const auto stale =
        seen.at + std::chrono::duration_cast<SteadyTime::duration>(policy.freshness) + SteadyTime::duration(1);
    votes.next_stale = votes.next_stale ? std::min(*votes.next_stale, stale) : stale;
    if (seen.blind) {
      ++votes.abstained;
      continue;
    }
    ++votes.voters;
    if (seen.cause == Cause::draining) {
      ++votes.draining;
    } else if (!seen.usable) {
      ++votes.unusable;
    }
    if (seen.usable && seen.cause == Cause::none) continue;
    const auto* known = votes.complaint;
    const bool graver = known && known->usable && !seen.usable;
    const bool newer = known && known->usable == seen.usable && seen.at > known->at;
    if (!known || graver || newer) votes.complaint = &seen;
  }
  return votes;
}

// What the votes say, before the past is asked. At least one was given.
Judgement decide(const Votes& votes, const Policy& policy) {
  const auto because = [&](Verdict verdict) {
    return Judgement{verdict, votes.complaint->cause, votes.complaint->detail, {}};
  };
  if (policy.draining) return {Verdict::draining, Cause::draining, "being taken out of service", {}};
  const auto against = votes.unusable + votes.draining;
  if (2 * against > votes.voters) {
    if (votes.unusable > votes.draining) return because(Verdict::unhealthy);
    auto draining = because(Verdict::draining);
    draining.cause = Cause::draining;
    return draining;
  }
  if (!votes.complaint) return {Verdict::healthy, Cause::none, "", {}};
  auto degraded = because(Verdict::degraded);
  if (!votes.complaint->usable && votes.voters > 1) {
    degraded.detail = std::to_string(votes.unusable + votes.draining) + " of " + std::to_string(votes.voters) +
                      " vantages cannot use it; " + votes.complaint->vantage + ": " + degraded.detail;
  }
  return degraded;
}

}  // namespace

std::chrono::nanoseconds quiet_time(int falls, const Policy& policy) {
  auto quiet = policy.first_quiet;
  for (int i = 1; i < falls && quiet < policy.longest_quiet; ++i) quiet *= 2;
  return std::min(quiet, policy.longest_quiet);
}

bool usable(Verdict verdict) {
  return verdict == Verdict::healthy || verdict == Verdict::degraded;
}

RelayState judge(std::span<const Observation> observations, const RelayState& previous, const Policy& policy,
                 SteadyTime now) {
  const Votes votes = count(observations, policy, now);
  const bool remembered = previous.remembered_until && now < *previous.remembered_until;
  if (votes.voters == 0 && (votes.abstained > 0 || remembered)) {
    RelayState same = previous;
    if (!usable(same.judgement.verdict)) same.usable_since.reset();
    same.judge_again = votes.next_stale ? votes.next_stale : previous.remembered_until;
    return same;
  }

  RelayState next{.falls = previous.falls, .judge_again = votes.next_stale};
  next.judgement = votes.voters == 0
                       ? Judgement{Verdict::unknown, Cause::none, "no vantage has looked at it lately", {}}
                       : decide(votes, policy);
  Judgement& judgement = next.judgement;

  const bool forgotten = previous.usable_since && now - *previous.usable_since >= policy.forget;
  if (forgotten) next.falls = 0;
  if (judgement.verdict == Verdict::unhealthy && previous.judgement.verdict != Verdict::unhealthy) ++next.falls;

  if (usable(judgement.verdict)) {
    next.usable_since = previous.usable_since.value_or(now);
    if (next.falls > 0) {
      const auto quiet = quiet_time(next.falls, policy);
      const auto returns = *next.usable_since + std::chrono::duration_cast<SteadyTime::duration>(quiet);
      if (now < returns) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(quiet).count();
        judgement = {Verdict::unhealthy,
                     previous.judgement.cause,
                     "answers again; clients return when it has been quiet for " + std::to_string(seconds) + " s",
                     {}};
        next.judge_again = std::min(returns, next.judge_again.value_or(returns));
      }
    }
  }
  judgement.since = judgement.verdict == previous.judgement.verdict ? previous.judgement.since : now;
  return next;
}

}  // namespace turnkeeper::monitor
