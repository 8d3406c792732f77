// Texts that are much alike, kept small: each compressed (LZ4) with a sample of them for a dictionary. Objects of one
// kind that the same program made differ in a few names and times only.
//
//   Likeness alike;
//   auto kept = alike.shrink(text);     // a tenth of the size, as a rule
//   Likeness::restore(kept) == text
//
// Not thread-safe; restore() needs nothing but its argument.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace turnkeeper::kube {

class Likeness {
 public:
  struct Kept {
    std::string compressed;
    std::size_t size = 0;                       // of the text
    std::shared_ptr<const std::string> sample;  // shared by all that were made with it
  };
  [[nodiscard]] Kept shrink(const std::string& text);
  [[nodiscard]] static std::string restore(const Kept& kept);

 private:
  std::shared_ptr<const std::string> sample_;  // the first text, until too many were unlike it
  int unlike_ = 0;
};

}  // namespace turnkeeper::kube
