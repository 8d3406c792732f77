#include "monitor/access/jwt.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "turnkeeper/base/encoding.hpp"

namespace turnkeeper::monitor {
namespace {

using nlohmann::json;

constexpr auto leeway = std::chrono::seconds(60);
constexpr std::size_t longest_token = 8 * 1024;
constexpr std::size_t longest_user = 128;
// Beyond it, nanoseconds since 1970 run over: the year 2261.
constexpr double latest_time = 9.2e9;
constexpr double last_written = 253402300799;  // the end of the year 9999: some issuers mean "never" by it

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<json> read_object(std::string_view segment) {
  const auto text = base64url_decode(segment);
  if (!text) return std::nullopt;
  auto object = json::parse(*text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

// "JWT" and "at+jwt" (RFC 9068), with "application/" or without; a token that is meant for another purpose has another.
bool is_our_type(const json& header) {
  const auto found = header.find("typ");
  if (found == header.end()) return true;
  if (!found->is_string()) return false;
  auto type = found->get<std::string>();
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (type.starts_with("application/")) type.erase(0, 12);
  return type == "jwt" || type == "at+jwt";
}

// Nothing: absent, or no time.
std::optional<SystemTime> time_of(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const auto seconds = found->get<double>();
  if (!(seconds >= 0 && seconds <= last_written)) return std::nullopt;
  return SystemTime(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, latest_time))));
}

bool is_text(const json& value, std::string_view text) {
  if (value.is_string()) return value.get_ref<const std::string&>() == text;
  if (value.is_boolean() || value.is_number_integer()) return value.dump() == text;
  return false;
}

bool has(const json& claims, const std::string& name, const std::string& wanted) {
  const auto found = claims.find(name);
  if (found == claims.end()) return false;
  if (found->is_array()) return std::ranges::any_of(*found, [&](const json& item) { return is_text(item, wanted); });
  if (name == "scope" && found->is_string()) {
    return (' ' + found->get<std::string>() + ' ').find(' ' + wanted + ' ') != std::string::npos;
  }
  return is_text(*found, wanted);
}

std::optional<std::string> user_of(const json& claims, const std::string& name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::nullopt;
  std::string claim;
  if (found->is_string()) claim = found->get<std::string>();
  if (found->is_number_integer()) claim = found->dump();
  std::string user;
  for (const char c : claim) {
    if (is_alphanumeric(c) || std::string_view("._-@+~").find(c) != std::string_view::npos) {
      user += c;
    } else {
      user += '=' + hex_encode({&c, 1});
    }
  }
  if (user.empty() || user.size() > longest_user) return std::nullopt;
  return user;
}

std::optional<JwtFault> claims_fault(const json& claims, const JwtRules& rules, SystemTime now) {
  const auto expires = time_of(claims, "exp");
  const auto begins = time_of(claims, "nbf");
  if (!expires || (claims.contains("nbf") && !begins)) return JwtFault::malformed;
  if (now >= *expires + leeway) return JwtFault::expired;
  if (begins && now + leeway < *begins) return JwtFault::not_yet;
  if (!rules.issuer.empty() && !(claims.contains("iss") && is_text(claims["iss"], rules.issuer)))
    return JwtFault::issuer;
  if (!rules.audience.empty() && !has(claims, "aud", rules.audience)) return JwtFault::audience;
  const bool all =
      std::ranges::all_of(rules.required, [&](const auto& claim) { return has(claims, claim.first, claim.second); });
  return all ? std::nullopt : std::optional(JwtFault::claim);
}

}  // namespace

std::string_view fault_name(JwtFault fault) {
  switch (fault) {
    case JwtFault::malformed:
      return "jwt_malformed";
    case JwtFault::algorithm:
      return "jwt_algorithm";
    case JwtFault::unknown_key:
      return "jwt_unknown_key";
    case JwtFault::signature:
      return "jwt_signature";
    case JwtFault::expired:
      return "jwt_expired";
    case JwtFault::not_yet:
      return "jwt_not_yet";
    case JwtFault::audience:
      return "jwt_audience";
    case JwtFault::issuer:
      return "jwt_issuer";
    case JwtFault::claim:
      return "jwt_claim";
    case JwtFault::user:
      return "jwt_user";
  }
  return "jwt_malformed";
}

bool looks_like_jwt(std::string_view token) {
  return token.size() <= longest_token && std::ranges::count(token, '.') == 2 &&
         std::ranges::all_of(token, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

tl::expected<JwtBearer, JwtFault> verify_jwt(std::string_view token, const JwkSet& keys, const JwtRules& rules,
                                             SystemTime now) {
  const auto fault = [](JwtFault which) { return tl::unexpected(which); };
  if (!looks_like_jwt(token)) return fault(JwtFault::malformed);
  const auto first = token.find('.');
  const auto second = token.rfind('.');
  const auto header = read_object(token.substr(0, first));
  const auto signature = base64url_decode(token.substr(second + 1));
  // Nothing that is critical is understood here (RFC 7515 section 4.1.11).
  if (!header || !signature || header->contains("crit") || !is_our_type(*header)) return fault(JwtFault::malformed);
  const auto name = header->find("alg");
  if (name == header->end() || !name->is_string()) return fault(JwtFault::malformed);
  const auto algorithm = parse_algorithm(name->get_ref<const std::string&>());
  if (!algorithm) return fault(JwtFault::algorithm);
  const auto kid = header->find("kid");
  if (kid != header->end() && !kid->is_string()) return fault(JwtFault::malformed);

  const auto key =
      keys.check(*algorithm, kid == header->end() ? "" : kid->get<std::string>(), token.substr(0, second), *signature);
  if (!key) {
    return fault(key.error() == JwkSet::Fault::unknown_key ? JwtFault::unknown_key : JwtFault::signature);
  }
  const auto claims = read_object(token.substr(first + 1, second - first - 1));
  if (!claims) return fault(JwtFault::malformed);
  if (const auto wrong = claims_fault(*claims, rules, now)) return fault(*wrong);
  auto user = user_of(*claims, rules.user_claim);
  if (!user) return fault(JwtFault::user);
  return JwtBearer{.user = std::move(*user), .until = *time_of(*claims, "exp") + leeway, .key = *key};
}

}  // namespace turnkeeper::monitor
