#include "turnkeeper/api/text_forms.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <regex>

namespace turnkeeper::api {
namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

bool only(std::string_view text, std::initializer_list<std::string_view> alphabets) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::any_of(alphabets.begin(), alphabets.end(),
                       [&](std::string_view alphabet) { return alphabet.find(c) != std::string_view::npos; });
  });
}

struct Address {
  std::string bytes;  // 4 or 16, in network order, so that they compare as numbers do
};

std::optional<Address> parse_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return Address{std::string(bytes.data(), 4)};
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return Address{std::string(bytes.data(), 16)};
  return std::nullopt;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

// "host", "host:port", "[2001:db8::1]:port"
bool is_server_address(std::string_view text) {
  std::string_view host, port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    const auto address = parse_address(host);
    if (!address || address->bytes.size() != 16) return false;
  } else {
    const auto end = std::min(text.find(':'), text.size());
    host = text.substr(0, end);
    port = text.substr(end);
    if (host.empty() || !only(host, {letters, digits, ".-"})) return false;
  }
  if (port.empty()) return true;
  return port.front() == ':' && parse_number(port.substr(1), 65535).value_or(0) > 0;
}

bool strip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_lower(text.front()) && text.back() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_dns_name(std::string_view text) {
  static const std::regex form("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*");
  return text.size() <= 253 && std::regex_match(text.begin(), text.end(), form);
}

bool is_secret_key(std::string_view text) {
  return !text.empty() && text != "." && !text.starts_with("..") && only(text, {letters, digits, "._-"});
}

bool is_qualified_name(std::string_view text) {
  static const std::regex form("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?");
  const auto slash = text.find('/');
  if (slash != std::string_view::npos && !is_dns_name(text.substr(0, slash))) return false;
  const auto name = slash == std::string_view::npos ? text : text.substr(slash + 1);
  return std::regex_match(name.begin(), name.end(), form);
}

bool is_amount(std::string_view text) {
  static const std::regex form("[0-9]{1,9}(\\.[0-9]{1,6})?");
  return std::regex_match(text.begin(), text.end(), form);
}

bool is_currency(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_realm(std::string_view text) {
  return !text.empty() && only(text, {letters, digits, "._-"});
}

bool is_image(std::string_view text) {
  return !text.empty() && only(text, {letters, digits, "._-/:@"});
}

bool is_stun_server(std::string_view text) {
  return strip(text, "stun:") && is_server_address(text);
}

bool is_turn_server(std::string_view text) {
  if (!strip(text, "turn:") && !strip(text, "turns:")) return false;
  const auto query = std::min(text.find('?'), text.size());
  const auto transport = text.substr(query);
  if (!transport.empty() && transport != "?transport=udp" && transport != "?transport=tcp") return false;
  return is_server_address(text.substr(0, query));
}

bool is_http_url(std::string_view text) {
  if (!strip(text, "https://") && !strip(text, "http://")) return false;
  const auto end = std::min(text.find_first_of("/?"), text.size());
  return is_server_address(text.substr(0, end)) &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_quantity(std::string_view text) {
  static const std::regex form("[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?");
  return text.size() <= 32 && std::regex_match(text.begin(), text.end(), form);
}

Result<std::vector<std::string>> addresses_of(std::string_view text) {
  static const char* advice =
      "write an address such as 203.0.113.7, or one IPv4 and one IPv6 address with a comma between";
  const std::string quoted = "'" + std::string(text) + "'";
  std::vector<std::string> addresses;
  std::vector<std::size_t> lengths;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    auto item = text.substr(start, end - start);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    item = item.substr(0, item.find_last_not_of(' ') + 1);
    const auto address = parse_address(item);
    if (!address) return fail(quoted + " is no address", advice);
    addresses.emplace_back(item);
    lengths.push_back(address->bytes.size());
    start = end + 1;
  }
  if (addresses.size() > 2) return fail(quoted + " has more than two addresses", advice);
  if (addresses.size() == 2 && lengths[0] == lengths[1])
    return fail(quoted + " has two addresses of one family", advice);
  return addresses;
}

Result<void> check_peer(std::string_view text) {
  static const char* advice = "write an address, a CIDR such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9";
  const std::string quoted = "'" + std::string(text) + "'";
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return fail(quoted + " is no CIDR: what stands before '/' is no address", advice);
    const auto bits = static_cast<unsigned>(address->bytes.size() * 8);
    if (!parse_number(text.substr(slash + 1), bits)) {
      return fail(quoted + " is no CIDR: the prefix length must be a number from 0 to " + std::to_string(bits), advice);
    }
    return {};
  }
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = parse_address(text.substr(0, dash));
    const auto last = parse_address(text.substr(dash + 1));
    if (!first || !last) return fail(quoted + " is no range of addresses", advice);
    if (first->bytes.size() != last->bytes.size()) return fail(quoted + " mixes IPv4 and IPv6", advice);
    if (last->bytes < first->bytes) {
      return fail(quoted + " ends before it begins", "write the lower address first");
    }
    return {};
  }
  if (!parse_address(text)) return fail(quoted + " is no IP address, CIDR or range of addresses", advice);
  return {};
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  static constexpr std::array<Unit, 4> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
  static const char* advice = "write a duration such as 24h, 1h30m, 10s or 100ms";
  const std::string quoted = "'" + std::string(text) + "'";
  constexpr std::int64_t limit = std::int64_t{100} * 366 * 24 * 3'600'000;  // a century: sums cannot overflow
  if (text.empty()) return fail("a duration is missing", advice);
  if (only(text, {digits})) {
    return fail(quoted + " has no unit", "write " + std::string(text) + "h, " + std::string(text) + "m, " +
                                             std::string(text) + "s or " + std::string(text) + "ms");
  }
  std::int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto number_end = std::min(rest.find_first_not_of(digits), rest.size());
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + number_end, value);
    if (number_end == 0) return fail(quoted + " is no duration", advice);
    rest.remove_prefix(number_end);
    const auto unit_end = std::min(rest.find_first_of(digits), rest.size());
    const auto unit = std::find_if(units.begin(), units.end(),
                                   [&](const Unit& candidate) { return candidate.name == rest.substr(0, unit_end); });
    if (unit == units.end()) return fail(quoted + " is no duration", advice);
    rest.remove_prefix(unit_end);
    if (error != std::errc() || value > limit / unit->milliseconds) return fail(quoted + " is too long", advice);
    total += value * unit->milliseconds;
    if (total > limit) return fail(quoted + " is too long", advice);
  }
  return std::chrono::milliseconds(total);
}

std::string duration_text(std::chrono::milliseconds duration) {
  auto left = duration.count();
  std::string text;
  const auto take = [&](std::int64_t unit, const char* name) {
    if (left >= unit) text += std::to_string(left / unit) + name;
    left %= unit;
  };
  take(3'600'000, "h");
  take(60'000, "m");
  take(1000, "s");
  take(1, "ms");
  return text.empty() ? "0s" : text;
}

}  // namespace turnkeeper::api
