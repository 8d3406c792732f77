#include "operator/plan/covers.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace turnkeeper::op {
namespace {

using nlohmann::json;

std::optional<double> quantity(const json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, double>, 14> suffixes{{{"", 1},
                                                                                 {"m", 1e-3},
                                                                                 {"k", 1e3},
                                                                                 {"M", 1e6},
                                                                                 {"G", 1e9},
                                                                                 {"T", 1e12},
                                                                                 {"P", 1e15},
                                                                                 {"E", 1e18},
                                                                                 {"Ki", 0x1p10},
                                                                                 {"Mi", 0x1p20},
                                                                                 {"Gi", 0x1p30},
                                                                                 {"Ti", 0x1p40},
                                                                                 {"Pi", 0x1p50},
                                                                                 {"Ei", 0x1p60}}};
  const std::string_view text = value.get_ref<const std::string&>();
  double number = 0;
  // Fixed: the E of "1E" is a suffix here, not an exponent.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  for (const auto& [suffix, factor] : suffixes) {
    if (text.substr(static_cast<std::size_t>(end - text.data())) == suffix) return number * factor;
  }
  return std::nullopt;
}

bool same_quantities(const json& live, const json& desired) {
  if (!live.is_object() || live.size() != desired.size()) return false;
  for (const auto& [name, value] : desired.items()) {
    const auto found = live.find(name);
    if (found == live.end()) return false;
    const auto a = quantity(*found);
    const auto b = quantity(value);
    if (!a || !b ? *found != value : *a != *b) return false;
  }
  return true;
}

}  // namespace

bool covers(const json& live, const json& desired) {
  if (desired.is_object()) {
    if (!live.is_object()) return false;
    for (auto member = desired.begin(); member != desired.end(); ++member) {
      const auto& key = member.key();
      const auto& value = member.value();
      const auto found = live.find(key);
      if (found == live.end()) return false;
      if (key == "resources" && value.is_object() && found->is_object()) {
        for (const auto& [kind, quantities] : value.items()) {
          const auto of_kind = found->find(kind);
          if (of_kind == found->end() || !same_quantities(*of_kind, quantities)) return false;
        }
      } else if (!covers(*found, value)) {
        return false;
      }
    }
    return true;
  }
  if (desired.is_array()) {
    if (!live.is_array() || live.size() != desired.size()) return false;
    for (std::size_t i = 0; i < desired.size(); ++i) {
      if (!covers(live[i], desired[i])) return false;
    }
    return true;
  }
  return live == desired;
}

}  // namespace turnkeeper::op
