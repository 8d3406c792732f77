#include <algorithm>
#include <array>
#include <string_view>

#include "operator/dry_run/changes.hpp"

namespace turnkeeper::op {
namespace {

using nlohmann::json;

// Plain where it cannot be taken for anything else by any reader of YAML 1.1 or 1.2; in JSON's quotes, which are YAML's
// too, everywhere else.
std::string scalar(const std::string& text) {
  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static constexpr std::string_view others = "0123456789._/-";
  static constexpr std::array words{"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool plain = !text.empty() && letters.find(text.front()) != std::string_view::npos &&
                     std::ranges::find(words, lower) == words.end() && std::ranges::all_of(text, [&](char c) {
                       return letters.find(c) != std::string_view::npos || others.find(c) != std::string_view::npos;
                     });
  return plain ? text : json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// `indent` is that of the lines which the value goes on in.
void write(const json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (value.is_object() && !value.empty()) {
    bool first = true;
    for (const auto& [key, item] : value.items()) {
      if (!first) out += margin;
      first = false;
      out += scalar(key) + ':';
      if (item.is_structured() && !item.empty()) {
        // Lists stand as far left as their key, as kubectl writes them.
        const auto inner = indent + (item.is_array() ? 0 : 2);
        out += '\n' + std::string(inner, ' ');
        write(item, inner, out);
      } else {
        out += ' ';
        write(item, indent, out);
      }
    }
  } else if (value.is_array() && !value.empty()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += margin;
      out += "- ";
      write(value[i], indent + 2, out);
    }
  } else {
    out += (value.is_string() ? scalar(value.get<std::string>()) : value.dump()) + '\n';
  }
}

}  // namespace

std::string yaml(const std::vector<json>& objects) {
  std::string out;
  for (const auto& object : objects) {
    out += "---\n";
    write(object, 0, out);
  }
  return out;
}

}  // namespace turnkeeper::op
