#include "monitor/ice/json_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace turnkeeper::monitor {

void add_json(std::string& to, const std::string& text) {
  const auto plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (std::ranges::all_of(text, plain)) {
    to.append(1, '"').append(text).append(1, '"');
  } else {
    to += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

}  // namespace turnkeeper::monitor
