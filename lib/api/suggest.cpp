#include "turnkeeper/api/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace turnkeeper::api {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each count one.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + differs});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string found;
  std::size_t best = word.size();
  if (word.size() > 64) return found;
  for (const auto& candidate : candidates) {
    // A short word has many neighbours that mean something else.
    const auto length = std::min(word.size(), candidate.size());
    const std::size_t allowed = length <= 3 ? 0 : length <= 8 ? 2 : 3;
    const auto steps = distance(lower(word), lower(candidate));
    if (steps > allowed || steps >= best) continue;
    best = steps;
    found = candidate;
  }
  return found;
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (const auto found = nearest(word, candidates); !found.empty()) return "did you mean '" + found + "'?";
  return candidates.empty() ? std::string() : "use " + alternatives(candidates);
}

}  // namespace turnkeeper::api
