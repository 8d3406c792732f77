#include "monitor/shape/session.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "monitor/shape/reading.hpp"

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;

constexpr std::size_t most_ends = 16;
constexpr std::size_t most_regions = 64;
constexpr std::int64_t longest_rtt_ms = 60'000;

tl::unexpected<Trouble> bad(std::string message, std::string advice) {
  return tl::unexpected(Trouble{.error = {std::move(message), std::move(advice)}});
}

tl::expected<std::map<std::string, std::chrono::milliseconds>, Trouble> read_rtts(const json& end) {
  std::map<std::string, std::chrono::milliseconds> rtts;
  const auto found = end.find("rtts");
  if (found == end.end() || found->is_null()) return rtts;
  const auto wrong = bad("rtts are malformed", R"(write {"REGION": MILLISECONDS}, at most 64 of them)");
  if (!found->is_object() || found->size() > most_regions) return wrong;
  for (const auto& [region, ms] : found->items()) {
    if (!ms.is_number() || ms < 0 || ms > longest_rtt_ms) return wrong;
    rtts[region] = std::chrono::milliseconds(ms.get<std::int64_t>());
  }
  return rtts;
}

tl::expected<IceRequest, Trouble> read_end(const json& end, const IceRequest& common) {
  if (!end.is_object()) return bad("an end is no object", R"(write {"user": NAME})");
  IceRequest wanted = common;
  auto user = text_in(end, "user");
  if (!user) return tl::unexpected(user.error());
  if (user->empty()) return bad("an end names no user", R"(write {"user": NAME}: credentials are made for one user)");
  auto region = text_in(end, "region");
  if (!region) return tl::unexpected(region.error());
  auto rtts = read_rtts(end);
  if (!rtts) return tl::unexpected(rtts.error());
  wanted.user = std::move(*user);
  wanted.region = std::move(*region);
  wanted.rtts = std::move(*rtts);
  return wanted;
}

bool is_somewhere(const IceRequest& end) {
  return !end.region.empty() || !end.rtts.empty();
}

}  // namespace

tl::expected<SessionAsk, Trouble> read_session(const http::Request& request) {
  const auto body = read_json(request.body);
  if (!body) return tl::unexpected(body.error());
  SessionAsk ask;
  IceRequest common;
  auto session = text_in(*body, "session");
  if (!session) return tl::unexpected(session.error());
  ask.session = std::move(*session);
  auto cluster = text_in(*body, "cluster");
  if (!cluster) return tl::unexpected(cluster.error());
  common.cluster = std::move(*cluster);
  const auto ttl = seconds_in(*body, "ttl");
  if (!ttl) return tl::unexpected(ttl.error());
  common.ttl = *ttl;
  const auto policy = text_in(*body, "policy");
  if (!policy) return tl::unexpected(policy.error());
  if (!policy->empty() && *policy != "relay" && *policy != "all") {
    return bad("there is no such policy", R"(write "policy": "relay", or leave it out)");
  }
  common.relay_only = *policy == "relay";

  const auto ends = body->find("ends");
  if (ends == body->end() || !ends->is_array() || ends->empty() || ends->size() > most_ends) {
    return bad("ends is no list of 1 to 16", R"(write "ends": [{"user": NAME}, ...])");
  }
  for (const auto& end : *ends) {
    auto wanted = read_end(end, common);
    if (!wanted) return tl::unexpected(wanted.error());
    ask.ends.push_back(std::move(*wanted));
  }
  if (const auto first = std::ranges::find_if(ask.ends, is_somewhere); first != ask.ends.end()) {
    for (auto& end : ask.ends) {
      if (is_somewhere(end)) continue;
      end.region = first->region;
      end.rtts = first->rtts;
    }
  }
  return ask;
}

http::Response session_answer(const SessionAsk& ask, std::span<const IceConfig> configs, SystemTime now) {
  nlohmann::ordered_json ends = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < configs.size(); ++i) {
    nlohmann::ordered_json end{{"user", ask.ends[i].user}};
    end.update(nlohmann::ordered_json::parse(native_json(configs[i], now)));
    ends.push_back(std::move(end));
  }
  return fresh_json(nlohmann::ordered_json{{"session", ask.session}, {"ends", std::move(ends)}}.dump(
      -1, ' ', false, json::error_handler_t::replace));
}

}  // namespace turnkeeper::monitor
