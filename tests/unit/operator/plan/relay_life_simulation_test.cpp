// A region whose spec, relays, nodes and StatefulSet change at random while it is put right, one pass after the other:
// what its callers may rely on holds all the time, and it comes to rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fixture.hpp"
#include "operator/plan/gate.hpp"
#include "operator/plan/relay_life.hpp"

namespace turnkeeper::op {
namespace {

using namespace std::chrono_literals;
using api::Cause;
using api::Verdict;

struct Relay {
  RelayPod pod;
  int age = 0;     // in steps
  int drains = 0;  // steps until its last call ends, once it is deleted
  int sessions = 0;
  Cause cause = Cause::none;  // why no allocation succeeds
};

class Region {
 public:
  explicit Region(unsigned seed) : random_(seed) {
    cluster_.spec.regions.pop_back();
    cluster_.spec.regions[0].backups.clear();
    if (one_in(5)) spec().public_address.fixed = {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"};
    if (one_in(4)) may_start_higher_.clear();
    if (one_in(3)) spec().autoscaling = api::Autoscaling{.min = 1, .max = 4, .sessions_per_relay = 40};
    for (int i = 0; i < 12; ++i) nodes_[""]["node-" + std::to_string(i)] = {};
    set_ = {.start = 0, .count = 1 + below(3)};
    spec().replicas = set_.count;
    for (int step = 0; step < 5; ++step) kubernetes_and_time_go_on();
  }

  void something_happens() {
    auto& relay = relays_[static_cast<std::size_t>(below(static_cast<int>(relays_.size())))];
    switch (below(9)) {
      case 0:
        spec().replicas = 1 + below(4);
        break;
      case 1:
        revision_ = spec().image = "image-" + std::to_string(below(1000));
        break;
      case 2:
        if (relay.pod.running)
          relay.cause = one_in(2) ? Cause::none : one_in(2) ? Cause::data_path : Cause::unreachable;
        break;
      case 3:
        relay.sessions = below(60);
        break;
      case 4:
        nodes_[""][relay.pod.node].unschedulable = relay.pod.cordoned = !relay.pod.cordoned;
        break;
      case 5:
        end(relay);  // kubectl drain
        break;
      case 6:
        if (one_in(6)) monitors_are_heard_ = !monitors_are_heard_;
        break;
      case 7:
        if (one_in(6)) set_ = {.start = may_start_higher_.empty() ? 0 : below(3), .count = 1 + below(4)};  // by hand
        for (auto& left : relays_) {
          if (!set_.contains(left.pod.ordinal)) end(left);
        }
        break;
      default:
        break;
    }
  }

  // What fails may go on failing.
  bool is_well_again() {
    monitors_are_heard_ = true;
    if (one_in(2)) return false;
    for (auto& relay : relays_) relay.cause = Cause::none;
    return true;
  }

  // Returns whether it wrote anything.
  bool pass() {
    std::vector<RelayPod> pods;
    for (const auto& relay : relays_) pods.push_back(relay.pod);
    const auto reports = monitors_are_heard_ ? std::vector<VantageReport>{seen()} : std::vector<VantageReport>();
    const auto health = cluster_health(reports, now_);
    const std::map<std::string, Ordinals> live = {{"eu", set_}};
    const RelayLifeInput in{.cluster = cluster_,
                            .pods = pods,
                            .reports = reports,
                            .health = health,
                            .nodes = nodes_,
                            .unreachable = unreachable_,
                            .replaced = replaced_,
                            .live = live,
                            .may_start_higher = may_start_higher_,
                            .now = now_};
    const auto sizes = region_sizes(in, low_since_, false);
    low_since_ = sizes.low_since;
    const auto ordinals = ordinals_of(sizes.now.spec.regions[0]);
    const bool resized = ordinals != set_;
    const auto serving = [&] {
      return std::ranges::any_of(
          relays_, [&](const Relay& relay) { return set_.contains(relay.pod.ordinal) && serves(relay.pod, health); });
    };
    const bool served = serving();
    const auto moves = relay_moves(
        in, sizes,
        resized ? std::map<std::string, std::string>() : std::map<std::string, std::string>{{"eu", revision_}});
    set_ = ordinals;
    for (const auto& [site, pod] : moves.marks) {
      auto& marked = named(pod["metadata"]["name"]).pod.draining;
      marked = pod["metadata"].contains("annotations") ? std::optional(now_) : std::nullopt;
    }
    for (auto& relay : relays_) {
      if (set_.contains(relay.pod.ordinal) || relay.pod.deleting) continue;
      EXPECT_TRUE(relay.pod.draining || !relay.pod.running) << relay.pod.relay << " ends, and clients are sent there";
    }
    for (const auto& removal : moves.removals) end(named(removal.pod->pod));
    for (const auto& replaced : moves.replaced) replaced_[replaced.region] = now_;
    for (const auto& [site, pod] : gates(cluster_, pods, health, now_)) {
      const auto& gate = pod["status"]["conditions"][0];
      named(pod["metadata"]["name"]).pod.proof = gate["status"] == "True"           ? Proof::proven
                                                 : gate["reason"] == "NotYetProven" ? Proof::never
                                                                                    : Proof::failed;
    }
    const bool said = std::ranges::any_of(
        moves.notices, [](const Notice& notice) { return notice.message.find("the only relay") != std::string::npos; });
    EXPECT_TRUE(!served || serving() || said) << "nobody is served any more";
    return resized || !moves.marks.empty() || !moves.removals.empty();
  }

  // The StatefulSet controller and the kubelets.
  void kubernetes_and_time_go_on() {
    now_ += std::chrono::seconds(1 + below(spec().autoscaling ? 90 : 8));
    std::erase_if(relays_, [](Relay& relay) { return relay.pod.deleting && --relay.drains <= 0; });
    for (const int ordinal : set_) {
      if (std::ranges::none_of(relays_, [&](const Relay& relay) { return relay.pod.ordinal == ordinal; }))
        make(ordinal);
    }
    for (auto& relay : relays_) {
      if (!set_.contains(relay.pod.ordinal)) end(relay);
      if (++relay.age == 2) relay.pod.running = relay.pod.containers_ready = true;
      relay.pod.ready = relay.pod.containers_ready && relay.pod.proof == Proof::proven;
    }
    std::ranges::sort(relays_, {}, [](const Relay& relay) { return relay.pod.ordinal; });
  }

  [[nodiscard]] bool is_drained() const {
    return std::ranges::none_of(relays_, [](const Relay& relay) { return relay.pod.deleting; });
  }
  void expect_as_asked_for() {
    if (!spec().autoscaling) {
      EXPECT_EQ(set_.count, spec().replicas);
    }
    for (const auto& relay : relays_) {
      EXPECT_EQ(relay.pod.revision, revision_) << relay.pod.relay;
      EXPECT_FALSE(relay.pod.draining) << relay.pod.relay;
    }
  }
  bool one_in(int many) { return below(many) == 0; }

 private:
  int below(int end) { return static_cast<int>(random_() % static_cast<unsigned>(end)); }
  api::RelaySpec& spec() { return cluster_.spec.regions[0].relay; }
  Relay& named(const std::string& pod) {
    return *std::ranges::find(relays_, pod, [](const Relay& relay) { return relay.pod.pod; });
  }
  void make(int ordinal) {
    RelayPod pod{.pod = "calls-eu-" + std::to_string(ordinal), .relay = "eu-" + std::to_string(ordinal)};
    pod.region = "eu";
    pod.ordinal = ordinal;
    pod.revision = revision_;
    pod.image = spec().image;
    pod.created = now_;
    pod.node = "node-" + std::to_string(below(12));
    pod.cordoned = nodes_[""][pod.node].unschedulable;
    relays_.push_back({.pod = std::move(pod)});
  }
  void end(Relay& relay) {
    if (relay.pod.deleting) return;
    relay.pod.deleting = true;
    relay.pod.deleted_at = now_;
    relay.drains = 1 + below(20);
  }
  // Monitors say Draining of what is marked, whatever they see.
  [[nodiscard]] VantageReport seen() const {
    VantageReport report{.vantage = "home", .heard = now_, .relays = {}, .facts = {}, .providers = {}};
    for (const auto& [pod, age, drains, sessions, cause] : relays_) {
      if (!pod.running) continue;
      const auto verdict = pod.deleting || pod.draining ? Verdict::draining
                           : cause != Cause::none       ? Verdict::unhealthy
                           : age < 4                    ? Verdict::unknown
                                                        : Verdict::healthy;
      report.relays[pod.relay] = {.verdict = verdict, .cause = cause, .since = now_ - 30s};
      report.facts[pod.relay].agent = AgentState{.sessions = sessions};
    }
    return report;
  }

  std::mt19937 random_;
  api::TurnCluster cluster_ = two_regions();
  std::string revision_ = "first";
  Ordinals set_;
  std::vector<Relay> relays_;
  Nodes nodes_;
  std::map<std::string, std::string> unreachable_;
  std::set<std::string> may_start_higher_ = {""};
  std::map<std::string, SystemTime> replaced_;
  std::map<std::string, SystemTime> low_since_;
  bool monitors_are_heard_ = true;
  SystemTime now_ = noon;
};

TEST(RelayLifeSimulation, ServesThroughAllChangesAndComesToRest) {
  for (unsigned seed = 0; seed < 500 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Region region(seed);
    for (int step = 0; step < 60; ++step) {
      region.something_happens();
      region.pass();
      if (!region.one_in(3)) region.kubernetes_and_time_go_on();
    }
    const bool well = region.is_well_again();
    int quiet = 0;
    for (int step = 0; step < 600 && quiet < 80; ++step) {
      const bool wrote = region.pass();
      region.kubernetes_and_time_go_on();
      quiet = wrote || !region.is_drained() ? 0 : quiet + 1;
    }
    EXPECT_EQ(quiet, 80) << "it never comes to rest";
    if (well) region.expect_as_asked_for();
  }
}

}  // namespace
}  // namespace turnkeeper::op
