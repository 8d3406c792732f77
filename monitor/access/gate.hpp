// Who may ask this monitor for credentials, and how often.
//
//   auto caller = gate.admit({.key = bearer_token(request), .address = request.peer});
//   if (!caller) return problem(caller.error());
//   request.user = caller->user.value_or(request.user);
//
// Not thread-safe: it is asked on the monitor's one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "monitor/access/api_keys.hpp"
#include "monitor/access/jwk_set.hpp"
#include "monitor/access/jwt.hpp"
#include "monitor/access/rate_limit.hpp"
#include "turnkeeper/base/address_range.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

// What a request shows of its sender, whichever API it came by.
struct Presented {
  Secret key;                 // an API key or a JWT; empty: none
  std::string address;        // "192.0.2.1:40000"; "unix"
  std::string forwarded_for;  // the header X-Forwarded-For; heeded only from a proxy that is trusted
};

// Who was let in.
struct Caller {
  std::string name;                          // for the log and the limits: the key's name; "jwt:USER"; "anonymous"
  std::optional<std::string> user;           // credentials are made for this user and nobody else; nothing: for any
  bool anonymous = false;                    // let in without having shown anything
  std::optional<SystemTime> until = {};      // what was shown is good until then
  std::optional<KeyDigest> key_digest = {};  // the API key that was shown, or what the token is signed with
  bool token = false;
};

struct Refusal {
  int status = 401;    // 401, 403, 429 or 503
  std::string reason;  // of credentials_rejected_total: a word
  Error error;         // what to tell the client: the same whatever was wrong with what it showed
  std::optional<std::chrono::seconds> retry_after;
};

class Gate {
 public:
  struct Options {
    std::optional<Secret> key = {};  // whoever shows it may ask
    bool anonymous = false;          // without keys and tokens: everybody may
    std::optional<Rate> per_caller = {};
    std::optional<Rate> per_address = {};
    std::vector<AddressRange> proxies = {};  // whose X-Forwarded-For is believed
    std::function<void(std::string_view reason)> on_refused = {};
    // A token was signed with a key that is not known. True: the keys are being asked for again, let it try once more.
    std::function<bool()> on_unknown_key = {};
    std::function<void()> on_change = {};  // somebody who was let in may not be any more
  };
  explicit Gate(Options options, const Clock& clock = real_clock());

  // Takes the place of those before. With any, even none in it, anonymous callers are not let in any more.
  void set_keys(ApiKeys keys);
  // From now on tokens are let in, once their keys are there; until then whoever shows one is told to come back.
  void set_jwt_rules(JwtRules rules);
  void set_jwt_keys(JwkSet keys);

  // Const in what it decides by; what it counts changes. Wrong keys and tokens count against their address: after
  // thirty of them, one in two seconds is looked at; a good API key gets in nevertheless.
  [[nodiscard]] tl::expected<Caller, Refusal> admit(const Presented& presented) const;
  // For credentials that are proof by themselves: what `good` says of one counts as a good or a wrong guess of its
  // address, within the same limits.
  [[nodiscard]] tl::expected<void, Refusal> admit_if(const Presented& presented,
                                                     const std::function<bool()>& good) const;
  // Whether a caller who was let in would still be: for streams that outlive the key or token they were opened with.
  [[nodiscard]] bool still_admits(const Caller& caller) const;
  // Whom a request counts against when it shows nothing: client_address() with the proxies that are believed.
  [[nodiscard]] std::string address_of(const Presented& presented) const;
  // Whether anybody gets in without showing anything.
  [[nodiscard]] bool open() const { return options_.anonymous && !keys_ && !jwt_rules_; }
  // Whether nobody gets in at all.
  [[nodiscard]] bool closed() const { return !options_.anonymous && !keys_ && !jwt_rules_; }

 private:
  struct Counts {
    std::optional<RateLimit> callers, addresses;
    RateLimit failures;
  };
  // Counts a request of this address.
  [[nodiscard]] tl::expected<void, Refusal> count(const Presented& presented) const;
  [[nodiscard]] tl::expected<Caller, Refusal> identify(const Presented& presented) const;
  [[nodiscard]] tl::expected<Caller, Refusal> identify_token(const Presented& presented) const;
  [[nodiscard]] tl::unexpected<Refusal> refuse(Refusal refusal) const;
  // Something wrong was shown.
  [[nodiscard]] tl::unexpected<Refusal> fail_with(std::string_view reason, const Presented& presented) const;
  [[nodiscard]] tl::unexpected<Refusal> too_many(std::string_view reason, std::chrono::seconds wait) const;

  const Options options_;
  const Clock& clock_;
  std::optional<ApiKeys> keys_;
  std::optional<JwtRules> jwt_rules_;
  std::optional<JwkSet> jwt_keys_;
  const std::unique_ptr<Counts> counts_;
};

// Is "127.0.0.1:8480", "[::1]:80", "localhost:0" or "unix:/path" reachable from this machine only?
[[nodiscard]] bool is_loopback(const std::string& listen_address);

}  // namespace turnkeeper::monitor
