#include "turnkeeper/kube/json_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr std::size_t as_a_rule = 2048;  // an object of the API

constexpr auto stands_for_itself = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < table.size(); ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

void append_escaped(char c, auto& out) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::string_view special = "\"\\\b\f\n\r\t";
  constexpr std::string_view letter = "\"\\bfnrt";
  out += '\\';
  if (const auto at = special.find(c); at != std::string_view::npos) {
    out += letter[at];
    return;
  }
  out += "u00";
  out += digits[static_cast<unsigned char>(c) >> 4U];
  out += digits[static_cast<unsigned char>(c) & 15U];
}

void append_string(std::string_view text, auto& out) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (stands_for_itself[static_cast<unsigned char>(text[at])]) continue;
    out += text.substr(begin, at - begin);
    append_escaped(text[at], out);
    begin = at + 1;
  }
  out += text.substr(begin);
  out += '"';
}

void append_integer(auto number, auto& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out += std::string_view(digits.data(), end);
}

// `out` takes characters and pieces of text with +=.
void append(const json& value, auto& out) {
  switch (value.type()) {
    case json::value_t::object: {
      char before = '{';
      for (auto member = value.begin(); member != value.end(); ++member) {
        out += std::exchange(before, ',');
        append_string(member.key(), out);
        out += ':';
        append(*member, out);
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case json::value_t::array: {
      char before = '[';
      for (const auto& element : value) {
        out += std::exchange(before, ',');
        append(element, out);
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case json::value_t::string:
      return append_string(value.get_ref<const std::string&>(), out);
    case json::value_t::number_integer:
      return append_integer(value.get<std::int64_t>(), out);
    case json::value_t::number_unsigned:
      return append_integer(value.get<std::uint64_t>(), out);
    case json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case json::value_t::null:
      out += "null";
      return;
    default:
      out += value.dump();  // the rare fraction
  }
}

// FNV-1a.
class Fingerprint {
 public:
  Fingerprint& operator+=(char c) {
    value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return *this;
  }
  Fingerprint& operator+=(std::string_view text) {
    for (const char c : text) *this += c;
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace

std::string json_text(const json& value) {
  std::string out;
  out.reserve(as_a_rule);
  append(value, out);
  return out;
}

std::uint64_t json_fingerprint(const json& value) {
  Fingerprint fingerprint;
  append(value, fingerprint);
  return fingerprint.value();
}

}  // namespace turnkeeper::kube
