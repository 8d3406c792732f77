#include "turnkeeper/kube/line_splitter.hpp"

namespace turnkeeper::kube {

bool LineSplitter::add(std::string_view bytes) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_ += bytes;
  const std::size_t newline = buffer_.find('\n', scanned_);
  return newline != std::string::npos || buffer_.size() <= longest_;
}

std::optional<std::string> LineSplitter::next() {
  while (true) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = end + 1;
    scanned_ = begin_;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return line;
  }
}

}  // namespace turnkeeper::kube
