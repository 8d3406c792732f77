// Carries out a plan: turns it into requests, in the order that keeps relays working, and remembers what was written.
// What one site or one object refuses keeps no other from being written; only pods are left alone at a site where
// anything failed.
#pragma once

#include <map>
#include <set>
#include <string>

#include "operator/controller/announcements.hpp"
#include "operator/controller/own_writes.hpp"
#include "operator/controller/watches.hpp"
#include "operator/plan/plan.hpp"
#include "turnkeeper/base/clock.hpp"
#include "turnkeeper/kube/client.hpp"

namespace turnkeeper::op {

class Writer {
 public:
  // All must outlive it. One Writer for one pass.
  struct Memory {
    OwnWrites& object;  // the TurnCluster itself
    OwnWrites& children;
    OwnWrites& pods;
  };
  Writer(Watches& watches, const Clock& clock, kube::ObjectKey cluster, Memory memory)
      : watches_(watches), clock_(clock), cluster_(std::move(cluster)), memory_(memory) {}

  // Creates what must not be there yet. False: it was there, without its labels, or it could not be done.
  bool create(const Placed& placed);
  // `object` is the TurnCluster as read. All but plan.create. `settled`: the sites where everything was as asked for,
  // so that a difference is somebody else's doing.
  void carry_out(const Plan& plan, const Observed& observed, const nlohmann::json& object,
                 const std::set<std::string>& settled);
  // Nothing when it is there already, or when the TurnCluster is no longer as it was read.
  void write_status(nlohmann::json object, nlohmann::json status);

  [[nodiscard]] const Written& written() const { return written_; }
  // What `before`, the sight at the pass's begin, becomes once the watches have shown what was written. Nothing when
  // something was changed or removed, not only made.
  [[nodiscard]] std::optional<Sight> sight_after(Sight before) const;
  // What failed first: at home, else elsewhere.
  [[nodiscard]] const kube::Error* error() const;
  // The first failure that trying again will not heal.
  [[nodiscard]] const kube::Error* refusal() const;

 private:
  // Does `request` with the client of that site, unless nobody answers there any more. True when it was done.
  template <class Request>
  bool at(const std::string& site, Request request);
  void apply(const Placed& placed, const Observed& observed, bool settled);
  void patch_pod(const Placed& pod, bool status);
  void remove(const ObjectRef& ref, std::optional<std::chrono::seconds> grace);
  void record(const nlohmann::json& object, const std::set<std::string>& sites);
  [[nodiscard]] Deadline deadline(const std::string& site) const;
  // A child that was not there before.
  void remember_made(const std::string& before, OwnWrites::Name name, std::string sent, kube::Receipt receipt);

  Watches& watches_;
  const Clock& clock_;
  const kube::ObjectKey cluster_;
  Memory memory_;
  Written written_;
  std::string recorded_;  // the TurnCluster's version after record()
  Sight made_;            // the sum of what was made
  bool only_made_ = true;
  std::map<std::string, kube::Error> errors_;    // by site, the first of each
  std::map<std::string, kube::Error> refusals_;  // likewise
};

}  // namespace turnkeeper::op
