// Who may ask this monitor for credentials.
//
//   auto caller = gate.admit({.key = bearer_token(request), .address = request.peer});
//   if (!caller) return problem(caller.error());
//   request.user = caller->user.value_or(request.user);
//
// Not thread-safe: it is asked on the monitor's one thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/base/secret.hpp"

namespace turnkeeper::monitor {

// What a request shows of its sender, whichever API it came by.
struct Presented {
  Secret key;           // an API key or a JWT; empty: none
  std::string address;  // "192.0.2.1:40000"; "unix"
};

// Who was let in.
struct Caller {
  std::string name;                 // for the log and the limits: the key's name; "anonymous"
  std::optional<std::string> user;  // credentials are made for this user and nobody else; nothing: for any
  bool anonymous = false;           // let in without having shown anything
};

struct Refusal {
  int status = 401;    // 401, 403 or 429
  std::string reason;  // of credentials_rejected_total: a word
  Error error;         // what to tell the client
  std::optional<std::chrono::seconds> retry_after;
};

class Gate {
 public:
  struct Options {
    std::optional<Secret> key;  // whoever shows it may ask
    bool anonymous = false;     // without a key: everybody may
  };
  explicit Gate(Options options) : options_(std::move(options)) {}

  [[nodiscard]] tl::expected<Caller, Refusal> admit(const Presented& presented) const;

 private:
  const Options options_;
};

// Is "127.0.0.1:8480", "[::1]:80", "localhost:0" or "unix:/path" reachable from this machine only?
[[nodiscard]] bool is_loopback(const std::string& listen_address);

}  // namespace turnkeeper::monitor
