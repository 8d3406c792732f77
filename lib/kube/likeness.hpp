// Texts that are much alike, kept small: each as what differs from a sample of them. Objects of one kind that the same
// program made differ in a few names and times only.
//
//   Likeness alike;
//   auto kept = alike.shrink(text);     // a tenth of the size, as a rule
//   Likeness::restore(kept) == text
//
// Not thread-safe; restore() needs nothing but its argument.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace turnkeeper::kube {

class Likeness {
 public:
  struct Kept {
    std::string differences;
    std::shared_ptr<const std::string> sample;  // shared by all that were made with it
  };
  [[nodiscard]] Kept shrink(const std::string& text);
  [[nodiscard]] static std::string restore(const Kept& kept);

 private:
  void take_for_sample(const std::string& text);
  // Where in the sample the characters from `at` on may be found too.
  [[nodiscard]] std::size_t place_of(const std::string& text, std::size_t at) const;

  std::shared_ptr<const std::string> sample_;  // the first text, until too many were unlike it
  std::vector<std::uint16_t> places_;          // in the sample, by the hash of what begins there
  int unlike_ = 0;
};

}  // namespace turnkeeper::kube
