#include "turnkeeper/kube/likeness.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace turnkeeper::kube {
namespace {

constexpr std::size_t longest_sample = 0xFFFF;
// What is shorter costs as much to point at as to repeat.
constexpr std::size_t shortest = 8;
constexpr int hash_bits = 13;
// A sample may have been an odd one; changed at each turn it would cost as much as it saves.
constexpr int unlike_in_a_row = 8;

std::size_t hash_at(const std::string& text, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return (word * 0x9E3779B97F4A7C15U) >> (64 - hash_bits);
}

// How many characters from there on are the same.
std::size_t same(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// Seven bits a byte, the least first.
void put(std::string& out, std::size_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}

std::size_t take(std::string_view& in) {
  std::size_t number = 0;
  for (int shift = 0; !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    number |= static_cast<std::size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  return number;
}

}  // namespace

void Likeness::take_for_sample(const std::string& text) {
  sample_ = std::make_shared<const std::string>(text.substr(0, longest_sample));
  places_.assign(std::size_t{1} << hash_bits, 0);
  // From the end, so that the first of several counts.
  for (std::size_t at = sample_->size(); at-- > 0;) {
    if (at + shortest <= sample_->size()) places_[hash_at(*sample_, at)] = static_cast<std::uint16_t>(at);
  }
}

std::size_t Likeness::place_of(const std::string& text, std::size_t at) const {
  return at + shortest <= text.size() ? places_[hash_at(text, at)] : sample_->size();
}

// A text is, again and again: so many characters of its own, then so many of the sample from a place on.
Likeness::Kept Likeness::shrink(const std::string& text) {
  if (!sample_) take_for_sample(text);
  const std::string_view whole = text;
  const std::string_view sample = *sample_;
  std::string out;
  std::size_t own = 0;     // what is not written yet begins here
  std::size_t beside = 0;  // where the sample went on after the last piece of it
  for (std::size_t at = 0; at < text.size();) {
    // Most differences leave the rest in step.
    std::size_t place = std::min(beside + (at - own), sample.size());
    std::size_t length = same(whole.substr(at), sample.substr(place));
    if (length < shortest) {
      place = std::min(place_of(text, at), sample.size());
      length = same(whole.substr(at), sample.substr(place));
    }
    if (length < shortest) {
      ++at;
      continue;
    }
    put(out, at - own);
    out.append(text, own, at - own);
    put(out, place);
    put(out, length);
    at += length;
    own = at;
    beside = place + length;
  }
  put(out, text.size() - own);
  out.append(text, own);
  unlike_ = out.size() > text.size() / 2 ? unlike_ + 1 : 0;
  out.shrink_to_fit();
  Kept kept{std::move(out), sample_};
  if (unlike_ == unlike_in_a_row) {
    unlike_ = 0;
    take_for_sample(text);
  }
  return kept;
}

std::string Likeness::restore(const Kept& kept) {
  std::string text;
  for (std::string_view in = kept.differences; !in.empty();) {
    const std::size_t own = take(in);
    text.append(in.substr(0, own));
    in.remove_prefix(std::min(own, in.size()));
    if (in.empty()) break;
    const std::size_t place = take(in);
    text.append(*kept.sample, place, take(in));
  }
  return text;
}

}  // namespace turnkeeper::kube
