// A string as JSON, for what is written so often that a tree of nlohmann::json would cost more than all the rest.
#pragma once

#include <string>

namespace turnkeeper::monitor {

// With its quotes. What is no UTF-8 becomes U+FFFD.
void add_json(std::string& to, const std::string& text);

}  // namespace turnkeeper::monitor
