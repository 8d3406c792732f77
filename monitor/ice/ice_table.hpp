// All of an ICE config that does not depend on the client, worked out once for each change of a cluster: a config for
// one client is then a little hashing, one HMAC and the list itself. Pure.
//
//   const IceTable table(cluster, verdict_of, proof_of, now);
//   auto config = table.make({.region = "eu", .user = "alice", .session = "call-42"}, now);
//
// It keeps nothing of what it was made from. Immutable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "monitor/ice/make_ice_config.hpp"
#include "monitor/target/fleet.hpp"
#include "turnkeeper/turn/integrity.hpp"

namespace turnkeeper::monitor {

class IceTable {
 public:
  IceTable(const Cluster& cluster, const VerdictLookup& verdict_of, const ProofLookup& proof_of, SystemTime now,
           const IceOptions& options = {});

  // As make_ice_config().
  [[nodiscard]] IceResult<IceConfig> make(const IceRequest& request, SystemTime now) const;

  // From then on it must be made anew though nothing has changed: somebody else's credential has run out.
  [[nodiscard]] SystemTime valid_until() const { return valid_until_; }

  [[nodiscard]] Standing standing(UrlHash url) const;

 private:
  // What a URL gets through; a client in a strict network needs the first of these that there is.
  enum Way : std::uint8_t { tls_443, tls, tcp, other };
  struct Url {
    std::string text;
    Way way = other;
  };
  struct Entry {
    std::string name;
    std::size_t region = 0;
    std::uint64_t hash = 0;
    std::vector<Url> urls;  // those that clients may be given, in the order of their use
    std::variant<turn::IntegrityKey, StaticCredential, ProvidedCredential> credential;
    bool cluster_key = false;
  };
  // Relays of one region that are equally good.
  struct Group {
    std::vector<Entry> entries;
    std::array<bool, 4> ways{};  // there is such a URL
  };
  struct Place {
    std::string name;
    bool external = false;
    double cost = 0;
    bool names_backups = false;
    std::array<Group, 5> groups;     // by verdict
    std::vector<std::size_t> ours;   // for clients of this region: itself and its backups
    std::vector<std::size_t> order;  // likewise, where the external ones have come in

    [[nodiscard]] const Group& group(api::Verdict verdict) const;
    [[nodiscard]] bool has(api::Verdict verdict) const { return !group(verdict).entries.empty(); }
    [[nodiscard]] bool usable() const { return has(api::Verdict::healthy) || has(api::Verdict::degraded); }
  };
  // What a list holds of one relay.
  struct Choice {
    const Entry* entry = nullptr;
    std::vector<const Url*> urls;
  };
  using Groups = std::vector<const Group*>;

  static Way way_of(const turn::Uri& uri);
  void add(const Cluster& cluster, const Relay& relay, std::size_t region, api::Verdict verdict,
           const ProofLookup& proof_of);
  void note_standing(const Relay& relay, const Entry* entry, api::Verdict verdict);
  [[nodiscard]] std::vector<std::size_t> backups(const Cluster& cluster, std::size_t own) const;
  // Where the external ones come in.
  [[nodiscard]] std::vector<std::size_t> with_external(std::vector<std::size_t> own) const;
  [[nodiscard]] IceResult<const Place*> place_of(const IceRequest& request) const;
  [[nodiscard]] std::vector<std::size_t> nearest_first(const Place& own, const IceRequest& request) const;
  [[nodiscard]] Groups groups(const std::vector<std::size_t>& order) const;
  [[nodiscard]] std::vector<Choice> choose(const Groups& groups, std::uint64_t affinity) const;
  [[nodiscard]] Choice strict(const Groups& groups, std::uint64_t affinity, const Entry& first) const;
  // Rendezvous hashing: among equals the heaviest comes first.
  static std::uint64_t weight(const Entry& entry, std::uint64_t affinity);
  static void take_best(const Group& group, std::uint64_t affinity, std::size_t most, std::vector<const Entry*>& into);

  std::string name_;
  std::chrono::seconds ttl_;
  std::string key_;  // the issuing key's id
  turn::IntegrityKey signer_;
  ProviderUse use_;
  std::size_t limit_;
  std::vector<std::string> stun_;
  std::vector<Place> regions_;
  Place nowhere_;           // where clients are of a cluster that has no region of its own
  bool lacks_key_ = false;  // a relay was left out for want of a credential
  SystemTime valid_until_ = SystemTime::max();
  std::unordered_map<UrlHash, Standing> standings_;
};

}  // namespace turnkeeper::monitor
