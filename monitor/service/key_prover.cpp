#include "monitor/service/key_prover.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "monitor/probe/allocation.hpp"
#include "monitor/probe/look_up.hpp"
#include "monitor/service/relay_credential.hpp"
#include "turnkeeper/base/random.hpp"

namespace turnkeeper::monitor {
namespace {

namespace asio = boost::asio;

constexpr auto rto = std::chrono::milliseconds(200);

struct Attempt {
  std::shared_ptr<turn::Resolver> resolver;
  turn::Uri uri;
  ProbeTarget target;  // all but the endpoint
  Deadline deadline;
  std::stop_token stop;
  const Clock* clock = nullptr;
};

// Nothing: there was no answer that tells.
std::optional<bool> verdict_of(const Allocation& allocation) {
  if (allocation.made()) return true;
  const auto& refused = allocation.refused();
  if (!refused) return std::nullopt;
  if (refused->kind == turn::Failure::Kind::unauthorized) return false;
  if (refused->kind != turn::Failure::Kind::error_response) return std::nullopt;
  // These come behind the check of the credential: wrong 5-tuple, quota, ports. A 403 (draining) need not.
  return refused->code == 437 || refused->code == 486 || refused->code == 508 ? std::optional(true) : std::nullopt;
}

asio::awaitable<std::optional<bool>> make(Attempt attempt) {
  const auto executor = co_await asio::this_coro::executor;
  const auto found = co_await look_up(attempt.resolver, attempt.uri, attempt.deadline, *attempt.clock);
  if (!found.endpoints) co_return std::nullopt;
  attempt.target.endpoint = found.endpoints->front();
  const auto waiter = std::make_shared<Waiter>(executor);
  waiter->stop_with(attempt.stop);
  Allocation allocation(waiter, *attempt.clock, rto);
  co_await allocation.make(attempt.target, attempt.target.credential, attempt.deadline);
  const auto verdict = verdict_of(allocation);
  co_await allocation.release(Deadline::after(*attempt.clock, std::chrono::seconds(1)));
  co_return verdict;
}

}  // namespace

KeyProver::KeyProver(asio::any_io_executor executor, const Clock& clock, Options options)
    : executor_(std::move(executor)),
      clock_(clock),
      options_(std::move(options)),
      gate_(std::make_shared<ProbeGate>(options_.at_once)),
      turns_(executor_, clock_, [this](const Question& question) { try_key(question); }) {}

KeyProver::~KeyProver() {
  stop();
}

void KeyProver::set(const Fleet& fleet) {
  std::map<Question, Asked> wanted;
  for (const auto& cluster : fleet.clusters) {
    for (const auto& region : cluster.regions) {
      for (const auto& relay : region.relays) {
        if (!std::holds_alternative<ClusterKeys>(relay.credential)) continue;
        const RelayId id{cluster.name, region.name, relay.name};
        const auto ask = [&](const api::SigningKey& key, bool must_accept) {
          wanted[{id, key.id}] = {canary_uri(relay), key.secret, cluster.credential_ttl, must_accept};
        };
        for (const auto& key : cluster.removed_keys) ask(key, false);
        for (const auto& key : cluster.signing_keys) {
          if (key.phase == api::SigningKey::Phase::staged) ask(key, true);
        }
      }
    }
  }
  std::erase_if(questions_, [&](const auto& entry) {
    const auto found = wanted.find(entry.first);
    if (found != wanted.end() && found->second == entry.second) return false;
    turns_.erase(entry.first);
    return true;
  });
  for (const auto& [question, asked] : wanted) {
    if (!questions_.emplace(question, asked).second) continue;
    set_due(question, std::chrono::duration_cast<std::chrono::nanoseconds>(options_.spread * random_unit()));
  }
}

void KeyProver::again(const RelayId& id) {
  for (auto at = questions_.lower_bound({id, ""}); at != questions_.end() && at->first.relay == id; ++at) {
    set_due(at->first, std::chrono::nanoseconds(0));
  }
}

void KeyProver::stop() {
  stop_.request_stop();
  turns_.stop();
  questions_.clear();
}

void KeyProver::set_due(const Question& question, std::chrono::nanoseconds from_now) {
  turns_.set(question, Deadline::after(clock_, from_now).at());
}

void KeyProver::try_key(const Question& question) {
  if (options_.answers && !options_.answers(question.relay)) return set_due(question, options_.again);
  gate_->enter([weak = std::weak_ptr(alive_), question](auto pass) {
    if (const auto alive = weak.lock()) (*alive)->try_key(question, std::move(pass));
  });
}

void KeyProver::try_key(const Question& question, std::shared_ptr<ProbeGate::Pass> pass) {
  const auto found = questions_.find(question);
  if (found == questions_.end()) return;
  const auto& asked = found->second;
  Attempt attempt{.resolver = options_.resolver,
                  .uri = asked.uri,
                  .target = {},
                  .deadline = Deadline::after(clock_, options_.patience),
                  .stop = stop_.get_token(),
                  .clock = &clock_};
  attempt.target.credential =
      turn::time_limited_credential(asked.secret, monitor_user(options_.vantage), clock_.system() + asked.ttl);
  attempt.target.server_name = asked.uri.host;
  attempt.target.tls = tls_;
  asio::co_spawn(executor_, make(std::move(attempt)),
                 [weak = std::weak_ptr(alive_), question, asked, pass = std::move(pass)](
                     const std::exception_ptr& failure, std::optional<bool> accepted) {
                   const auto alive = weak.lock();
                   if (alive) (*alive)->answered(question, asked, failure ? std::nullopt : accepted);
                 });
}

void KeyProver::answered(const Question& question, const Asked& asked, std::optional<bool> accepted) {
  const auto found = questions_.find(question);
  if (found == questions_.end() || found->second != asked) return;  // of before the last set()
  if (accepted != asked.must_accept) {
    const auto wait = std::chrono::duration<double>(options_.again) * (0.9 + 0.2 * random_unit());
    set_due(question, std::chrono::duration_cast<std::chrono::nanoseconds>(wait));
  }
  if (accepted && options_.on_proof) options_.on_proof(question.relay, question.key, {*accepted, clock_.system()});
}

}  // namespace turnkeeper::monitor
