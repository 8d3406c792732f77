// Bytes in any pieces -> whole lines: the framing of a watch, one JSON object a line. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace turnkeeper::kube {

class LineSplitter {
 public:
  // Kubernetes' objects end at 1.5 MiB; a longer line is no watch event.
  explicit LineSplitter(std::size_t longest = 16U << 20U) : longest_(longest) {}
  // False when a line grew past the limit: the stream is of no use any more.
  [[nodiscard]] bool add(std::string_view bytes);
  // The next complete line without its newline; empty lines are passed over. Bytes without a newline stay, so what a
  // cut stream leaves behind is never taken for a line.
  [[nodiscard]] std::optional<std::string> next();

 private:
  std::size_t longest_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the unread part
  std::size_t scanned_ = 0;  // no newline before this
};

}  // namespace turnkeeper::kube
