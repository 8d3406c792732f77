#include "turnkeeper/kube/likeness.hpp"

#include <lz4.h>

namespace turnkeeper::kube {
namespace {

constexpr std::size_t longest_dictionary = 64 * 1024;  // LZ4 looks back no further
// A sample may have been an odd one; changed at each turn it would cost as much as it saves.
constexpr int unlike_in_a_row = 8;

// LZ4 counts in int. An object of the API is a megabyte or two at most.
int length_of(const std::string& text) {
  return static_cast<int>(text.size());
}

}  // namespace

Likeness::Kept Likeness::shrink(const std::string& text) {
  if (!sample_) sample_ = std::make_shared<const std::string>(text.substr(0, longest_dictionary));
  LZ4_stream_t stream;  // 16 KiB, which loading a dictionary clears
  LZ4_loadDict(&stream, sample_->data(), length_of(*sample_));
  std::string out(static_cast<std::size_t>(LZ4_compressBound(length_of(text))), '\0');
  const int used =
      LZ4_compress_fast_continue(&stream, text.data(), out.data(), length_of(text), length_of(out), /*acceleration=*/1);
  Kept kept{{out, 0, static_cast<std::size_t>(used)}, text.size(), sample_};
  unlike_ = kept.compressed.size() > text.size() / 2 ? unlike_ + 1 : 0;
  if (unlike_ == unlike_in_a_row) {
    unlike_ = 0;
    sample_.reset();
  }
  return kept;
}

std::string Likeness::restore(const Kept& kept) {
  std::string text(kept.size, '\0');
  LZ4_decompress_safe_usingDict(kept.compressed.data(), text.data(), length_of(kept.compressed), length_of(text),
                                kept.sample->data(), length_of(*kept.sample));
  return text;
}

}  // namespace turnkeeper::kube
