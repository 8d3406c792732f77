#include "monitor/ice_grpc/ice_proto.hpp"

#include <google/protobuf/util/time_util.h>

namespace turnkeeper::monitor {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::size_t most_round_trips = 64;

v1::IceConfig::Reason reason_to_proto(PushReason reason) {
  switch (reason) {
    case PushReason::start:
      return v1::IceConfig::START;
    case PushReason::failover:
      return v1::IceConfig::FAILOVER;
    case PushReason::drain:
      return v1::IceConfig::DRAIN;
    case PushReason::recovery:
      return v1::IceConfig::RECOVERY;
    case PushReason::rotation:
      return v1::IceConfig::ROTATION;
    case PushReason::expiry:
      return v1::IceConfig::EXPIRY;
    case PushReason::change:
      break;
  }
  return v1::IceConfig::CHANGE;
}

}  // namespace

IceRequest ice_request(const std::string& cluster, const std::string& session, const v1::IceEnd& end) {
  IceRequest request{.cluster = cluster,
                     .region = end.region(),
                     .user = end.user(),
                     .session = session,
                     .relay_only = end.relay_only()};
  for (const auto& [region, round_trip] : end.round_trips()) {
    // Whole hours would overflow nothing, but say nothing either.
    if (request.rtts.size() == most_round_trips || round_trip.seconds() < 0 || round_trip.seconds() > 60) continue;
    request.rtts.emplace(
        region, std::chrono::seconds(round_trip.seconds()) + std::chrono::milliseconds(round_trip.nanos() / 1'000'000));
  }
  if (end.has_ttl() && end.ttl().seconds() > 0) request.ttl = std::chrono::seconds(end.ttl().seconds());
  return request;
}

v1::IceConfig to_proto(const IceConfig& config) {
  v1::IceConfig to;
  for (const auto& server : config.servers) {
    auto& entry = *to.add_servers();
    for (const auto& url : server.urls) entry.add_urls(url);
    entry.set_username(server.username);
    entry.set_credential(server.credential.reveal());
  }
  *to.mutable_expires() = TimeUtil::SecondsToTimestamp(unix_seconds(config.expires));
  *to.mutable_refresh() = TimeUtil::SecondsToTimestamp(unix_seconds(config.refresh_at));
  to.set_cluster(config.cluster);
  to.set_region(config.region);
  to.set_served_by(config.served_by);
  return to;
}

v1::IceConfig to_proto(const Push& push) {
  auto to = to_proto(push.config);
  to.set_id(push.id);
  to.set_reason(reason_to_proto(push.reason));
  return to;
}

}  // namespace turnkeeper::monitor
