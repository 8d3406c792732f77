#include "monitor/shape/reading.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

constexpr std::size_t most_regions = 64;
constexpr std::size_t longest_body = 64 << 10;
constexpr int deepest_body = 8;
constexpr std::size_t longest_text = 128;
constexpr std::int64_t a_year = 365 * 86'400;
constexpr int longest_rtt_ms = 60'000;

tl::unexpected<Trouble> bad(std::string message, std::string advice) {
  return tl::unexpected(Trouble{.error = {std::move(message), std::move(advice)}});
}

std::string credentials(const http::Request& request, std::string_view scheme) {
  const auto header = request.header("authorization");
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
  if (!std::equal(scheme.begin(), scheme.end(), header.begin(), same)) return {};
  return std::string(header.substr(scheme.size() + 1));
}

std::optional<std::map<std::string, std::chrono::milliseconds>> read_rtts(std::string_view text) {
  std::map<std::string, std::chrono::milliseconds> rtts;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto colon = item.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || rtts.size() == most_regions) return std::nullopt;
    const auto number = item.substr(colon + 1);
    int ms = 0;
    const auto [last, error] = std::from_chars(number.data(), number.data() + number.size(), ms);
    if (error != std::errc() || last != number.data() + number.size() || ms < 0 || ms > longest_rtt_ms) {
      return std::nullopt;
    }
    rtts[std::string(item.substr(0, colon))] = std::chrono::milliseconds(ms);
  }
  return rtts;
}

}  // namespace

Secret bearer_token(const http::Request& request) {
  return Secret(credentials(request, "Bearer"));
}

Secret basic_password(const http::Request& request) {
  const auto decoded = base64_decode(credentials(request, "Basic"));
  if (!decoded) return {};
  const auto colon = decoded->find(':');
  return colon == std::string::npos ? Secret() : Secret(decoded->substr(colon + 1));
}

Secret query_key(const http::Request& request, std::string_view field) {
  return Secret(request.field(field).value_or(""));
}

Secret native_key(const http::Request& request) {
  auto token = bearer_token(request);
  return token.empty() ? Secret(std::string(request.header("x-api-key"))) : token;
}

tl::expected<IceRequest, Trouble> read_hints(const http::Request& request) {
  IceRequest wanted;
  for (const auto& [name, value] : request.query) {
    if (name == "cluster" && wanted.cluster.empty()) wanted.cluster = value;
    if (name == "region" && wanted.region.empty()) wanted.region = value;
    if (name == "session" && wanted.session.empty()) wanted.session = value;
    if (name == "rtt") {
      auto rtts = read_rtts(value);
      if (!rtts) return bad("rtt is malformed", "write rtt=REGION:MILLISECONDS,..., at most 64 of them");
      wanted.rtts = std::move(*rtts);
    }
    if (name == "policy") {
      if (value != "relay" && value != "all")
        return bad("there is no such policy", "write policy=relay, or leave it out");
      wanted.relay_only = value == "relay";
    }
  }
  return wanted;
}

std::optional<std::chrono::seconds> read_seconds(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::ranges::all_of(text, digit)) return std::nullopt;
  std::int64_t value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) value = a_year;
  if (value <= 0) return std::nullopt;
  return std::chrono::seconds(std::min(value, a_year));
}

tl::expected<std::optional<std::chrono::seconds>, Trouble> seconds_in(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::nullopt;
  std::optional<std::chrono::seconds> seconds;
  if (found->is_string()) seconds = read_seconds(found->get_ref<const std::string&>());
  if (found->is_number_unsigned()) {
    const auto value = std::min<std::uint64_t>(found->get<std::uint64_t>(), a_year);
    if (value > 0) seconds = std::chrono::seconds(value);
  }
  if (!seconds) return bad(std::string(field) + " is no positive number of seconds", "write for example 3600");
  return seconds;
}

tl::expected<std::string, Trouble> text_in(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return std::string();
  if (!found->is_string() || found->get_ref<const std::string&>().size() > longest_text) {
    return bad(std::string(field) + " is no text of at most 128 bytes", "write it between quotes");
  }
  return found->get<std::string>();
}

tl::expected<nlohmann::json, Trouble> read_json(std::string_view body) {
  using nlohmann::json;
  if (body.empty()) return json::object();
  if (body.size() > longest_body) return bad("the body is too long", "send at most 64 KiB");
  bool deep = false;
  const auto shallow = [&](int depth, json::parse_event_t, json&) {
    deep = deep || depth > deepest_body;
    return !deep;
  };
  auto object = json::parse(body, shallow, false);
  if (deep || !object.is_object()) return bad("the body is no JSON object", "see docs/credential-apis.md");
  return object;
}

}  // namespace turnkeeper::monitor
