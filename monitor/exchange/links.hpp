// The exchange's streams and whom each leads to. Of several to the same monitor one stays.
//
//   auto& link = links.add(stream, clock.steady(), "us.example.org:8481");
//   ...                                       // its hello comes: link.vantage, link.instance
//   links.keep_one(link);
//
// On the thread of the streams' owner. A Link stays where it is until it is removed.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "monitor/exchange/outbox.hpp"
#include "monitor/exchange/stream.hpp"
#include "turnkeeper/api/vantage_identity.hpp"
#include "turnkeeper/base/clock.hpp"

namespace turnkeeper::monitor {

struct Link {
  StreamPtr stream;
  SteadyTime began;
  std::string address;  // of a dialled one: what was dialled
  std::string vantage;  // from its hello; empty until then
  std::string instance;
  std::optional<api::VantageIdentity> identity;  // from its certificate, with the hello; nothing: of all TurnClusters
  bool complained = false;                       // that it speaks of other TurnClusters
  bool owes_introduction = false;                // a dialled one whose own hello is still leaving
  Outbox::Cursor cursor;
  SteadyTime last_sent;
};

class Links {
 public:
  // `instance`: our own.
  explicit Links(std::string instance) : instance_(std::move(instance)) {}

  Link& add(const StreamPtr& stream, SteadyTime now, std::string address = {});
  // Null: it was removed.
  [[nodiscard]] Link* find(const StreamPtr& stream);
  std::optional<Link> remove(const StreamPtr& stream);
  void clear() { links_.clear(); }

  // Whether a stream stands that leads to that instance.
  [[nodiscard]] bool lead_to(const std::string& instance) const;
  // Ends those to the same monitor as `newest` that are too many.
  void keep_one(const Link& newest);
  // Ends those to another process in the same place.
  void replace_others(const Link& newest);
  void end(const std::string& vantage, const grpc::Status& status);
  // Ends those whose far end has not said within `longest` who it is.
  void end_silent(SteadyTime now, SteadyTime::duration longest);

  template <class F>
  void for_each(F&& take) {
    for (auto& [stream, link] : links_) take(link);
  }

 private:
  const std::string instance_;
  std::map<const Stream*, Link> links_;
};

}  // namespace turnkeeper::monitor
