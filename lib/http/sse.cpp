#include "turnkeeper/http/sse.hpp"

namespace turnkeeper::http {
namespace {

constexpr std::size_t kMaximumEvent = 8 * 1024 * 1024;

// A line break inside would end the field and start another of the sender's making.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\0'; });
  return text;
}

}  // namespace

std::string render_event(const Event& event) {
  std::string text;
  if (!event.name.empty()) text += "event: " + one_line(event.name) + '\n';
  if (!event.id.empty()) text += "id: " + one_line(event.id) + '\n';
  std::size_t start = 0;
  while (true) {
    const auto end = event.data.find('\n', start);
    text += "data: " + one_line(event.data.substr(start, end - start)) + '\n';
    if (end == std::string::npos) break;
    start = end + 1;
  }
  return text + '\n';
}

Result<std::vector<Event>> EventParser::feed(std::string_view bytes) {
  rest_ += bytes;
  std::vector<Event> done;
  std::size_t start = 0;
  for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    std::string_view text(rest_.data() + start, end - start);
    if (text.ends_with('\r')) text.remove_suffix(1);
    line(text, done);
  }
  rest_.erase(0, start);
  if (rest_.size() + event_.data.size() > kMaximumEvent) return fail("the server sent an event larger than 8 MiB");
  return done;
}

void EventParser::line(std::string_view text, std::vector<Event>& done) {
  if (text.empty()) {
    if (has_data_) done.push_back(std::move(event_));
    event_ = {};
    has_data_ = false;
    return;
  }
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") event_.name = value;
  if (name == "id") event_.id = value;
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
}

}  // namespace turnkeeper::http
