// The wire form of server-sent events (HTML Living Standard, section 9.2), both ways. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/base/result.hpp"
#include "turnkeeper/http/event_stream.hpp"

namespace turnkeeper::http {

[[nodiscard]] std::string render_event(const Event& event);

class EventParser {
 public:
  // The events that these bytes complete. An error when an event grows beyond 8 MiB.
  [[nodiscard]] Result<std::vector<Event>> feed(std::string_view bytes);

 private:
  void line(std::string_view text, std::vector<Event>& done);
  std::string rest_;  // the start of a line
  Event event_;
  bool has_data_ = false;
};

}  // namespace turnkeeper::http
