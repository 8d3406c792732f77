#include "turnkeeper/kube/json_walker.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

namespace turnkeeper::kube {
namespace {

using nlohmann::json;

constexpr std::array<bool, 256> those_of(std::string_view characters) {
  std::array<bool, 256> table{};
  for (const char c : characters) table[static_cast<unsigned char>(c)] = true;
  return table;
}
// What is neither of these in a text outside of its strings says nothing about where a value ends.
constexpr auto structural = those_of("\"{}[],");
constexpr auto space = those_of(" \n\t\r");

bool is(const std::array<bool, 256>& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

}  // namespace

bool JsonWalker::looks_at(char c) {
  while (at_ < text_.size() && is(space, text_[at_])) ++at_;
  return at_ < text_.size() && text_[at_] == c;
}

bool JsonWalker::take(char c) {
  if (!looks_at(c)) return false;
  ++at_;
  return true;
}

bool JsonWalker::skip_string() {
  const std::size_t begin = at_ + 1;
  for (at_ = begin; (at_ = text_.find('"', at_)) != std::string::npos;) {
    std::size_t before = at_++;
    while (before > begin && text_[before - 1] == '\\') --before;
    // Behind an odd number of backslashes it is one of the string's characters.
    if ((at_ - before) % 2 == 1) return true;
  }
  at_ = text_.size();
  return false;
}

bool JsonWalker::string(std::string& value) {
  if (!looks_at('"')) return false;
  const std::size_t begin = at_;
  if (!skip_string()) return false;
  const std::string_view quoted = std::string_view(text_).substr(begin, at_ - begin);
  if (quoted.find('\\') == std::string_view::npos) {
    value = quoted.substr(1, quoted.size() - 2);
    return true;
  }
  const json decoded = json::parse(quoted, nullptr, false);
  if (!decoded.is_string()) return false;
  value = decoded.get<std::string>();
  return true;
}

bool JsonWalker::integer_if_it_is(std::int64_t& value) {
  static_cast<void>(looks_at('0'));
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (error != std::errc()) return skip();
  at_ = static_cast<std::size_t>(end - text_.data());
  return true;
}

bool JsonWalker::skip() {
  int open = 0;
  do {
    while (at_ < text_.size() && !is(structural, text_[at_])) ++at_;
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '"':
        if (!skip_string()) return false;
        break;
      case '{':
      case '[':
        ++open;
        ++at_;
        break;
      default:
        // Behind a number, true, false or null.
        if (open == 0) return true;
        if (text_[at_] != ',') --open;
        ++at_;
    }
  } while (open > 0);
  return true;
}

}  // namespace turnkeeper::kube
