#include "monitor/access/gate.hpp"

#include "monitor/access/client_address.hpp"
#include "turnkeeper/base/log.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr Rate wrong_guesses{.per_second = 0.5, .burst = 30};

std::optional<RateLimit> limit(const std::optional<Rate>& rate) {
  return rate ? std::optional<RateLimit>(*rate) : std::nullopt;
}

}  // namespace

Gate::Gate(Options options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      counts_(new Counts{.callers = limit(options_.per_caller),
                         .addresses = limit(options_.per_address),
                         .failures = RateLimit(wrong_guesses)}) {
  if (!options_.key) return;
  keys_.emplace();
  keys_->add({.name = "key", .user = {}, .expires = {}}, *options_.key);
}

void Gate::set_keys(ApiKeys keys) {
  if (options_.key) keys.add({.name = "key", .user = {}, .expires = {}}, *options_.key);
  keys_ = std::move(keys);
  if (options_.on_change) options_.on_change();
}

void Gate::set_jwt_rules(JwtRules rules) {
  jwt_rules_ = std::move(rules);
  if (options_.on_change) options_.on_change();
}

void Gate::set_jwt_keys(JwkSet keys) {
  jwt_keys_ = std::move(keys);
  if (options_.on_change) options_.on_change();
}

tl::expected<Caller, Refusal> Gate::admit(const Presented& presented) const {
  if (auto counted = count(presented); !counted) return tl::unexpected(std::move(counted.error()));
  auto caller = identify(presented);
  if (!caller || caller->anonymous || !counts_->callers) return caller;
  if (const auto wait = counts_->callers->take(caller->name, clock_.steady())) return too_many("caller_limit", *wait);
  return caller;
}

tl::expected<void, Refusal> Gate::admit_if(const Presented& presented, const std::function<bool()>& good) const {
  if (auto counted = count(presented); !counted) return counted;
  if (const auto wait = counts_->failures.wait(address_of(presented), clock_.steady())) {
    return too_many("guesses", *wait);
  }
  if (!good()) return fail_with("unknown", presented);
  return {};
}

tl::expected<void, Refusal> Gate::count(const Presented& presented) const {
  if (!counts_->addresses) return {};
  const auto wait = counts_->addresses->take(address_of(presented), clock_.steady());
  if (wait) return too_many("address_limit", *wait);
  return {};
}

tl::expected<Caller, Refusal> Gate::identify(const Presented& presented) const {
  if (!keys_ && !jwt_rules_) {
    if (options_.anonymous) return Caller{.name = "anonymous", .user = {}, .anonymous = true};
    return refuse({.reason = "closed",
                   .error = {"this monitor gives no credentials to strangers",
                             "start it with --api-keys-file, or with --allow-anonymous if its network is trusted"},
                   .retry_after = {}});
  }
  if (presented.key.empty()) {
    return refuse({.reason = "missing",
                   .error = {"the request has no API key and no token", "send Authorization: Bearer KEY"},
                   .retry_after = {}});
  }
  if (keys_) {
    const auto digest = key_digest(presented.key);
    if (const auto* key = keys_->find(digest)) {
      if (key->expires && clock_.system() >= *key->expires) return fail_with("expired", presented);
      return Caller{.name = key->name, .user = key->user, .until = key->expires, .key_digest = digest};
    }
  }
  if (jwt_rules_ && looks_like_jwt(presented.key.reveal())) return identify_token(presented);
  return fail_with("unknown", presented);
}

tl::expected<Caller, Refusal> Gate::identify_token(const Presented& presented) const {
  // A signature costs a hundred times what a digest does.
  if (const auto wait = counts_->failures.wait(address_of(presented), clock_.steady())) {
    return too_many("guesses", *wait);
  }
  const auto bearer = jwt_keys_ ? verify_jwt(presented.key.reveal(), *jwt_keys_, *jwt_rules_, clock_.system())
                                : tl::expected<JwtBearer, JwtFault>(tl::unexpected(JwtFault::unknown_key));
  if (bearer) {
    return Caller{.name = "jwt:" + bearer->user,
                  .user = bearer->user,
                  .until = bearer->until,
                  .key_digest = bearer->key,
                  .token = true};
  }
  const bool unknown = bearer.error() == JwtFault::unknown_key;
  const bool asked = unknown && options_.on_unknown_key && options_.on_unknown_key();
  if (asked || !jwt_keys_) {
    return refuse({.status = 503,
                   .reason = "jwt_keys_awaited",
                   .error = {"the keys that tokens are signed with are being fetched", "try again"},
                   .retry_after = std::chrono::seconds(1)});
  }
  return fail_with(fault_name(bearer.error()), presented);
}

bool Gate::still_admits(const Caller& caller) const {
  if (caller.anonymous) return open();
  if (caller.until && clock_.system() >= *caller.until) return false;
  if (!caller.key_digest) return false;
  if (caller.token) return jwt_rules_ && jwt_keys_ && jwt_keys_->has(*caller.key_digest);
  const auto* key = keys_ ? keys_->find(*caller.key_digest) : nullptr;
  return key != nullptr && key->user == caller.user && (!key->expires || clock_.system() < *key->expires);
}

tl::unexpected<Refusal> Gate::refuse(Refusal refusal) const {
  if (options_.on_refused) options_.on_refused(refusal.reason);
  return tl::unexpected(std::move(refusal));
}

tl::unexpected<Refusal> Gate::fail_with(std::string_view reason, const Presented& presented) const {
  const auto address = address_of(presented);
  log::debug("refused a caller", {{"reason", reason}, {"address", address}});
  if (const auto wait = counts_->failures.take(address, clock_.steady())) return too_many("guesses", *wait);
  return refuse({.reason = std::string(reason),
                 .error = {"this API key or token is not accepted", "get another one from whoever runs this monitor"},
                 .retry_after = {}});
}

tl::unexpected<Refusal> Gate::too_many(std::string_view reason, std::chrono::seconds wait) const {
  return refuse({.status = 429,
                 .reason = std::string(reason),
                 .error = {"too many requests", "wait as long as Retry-After says"},
                 .retry_after = wait});
}

std::string Gate::address_of(const Presented& presented) const {
  return client_address(presented.address, presented.forwarded_for, options_.proxies);
}

bool is_loopback(const std::string& listen_address) {
  return listen_address.starts_with("127.") || listen_address.starts_with("[::1]:") ||
         listen_address.starts_with("localhost:") || listen_address.starts_with("unix:");
}

}  // namespace turnkeeper::monitor
