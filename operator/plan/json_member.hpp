// Parts of objects that come from outside: one that is missing or of another type reads as empty.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace turnkeeper::op {

[[nodiscard]] inline const nlohmann::json& at(const nlohmann::json& object, const char* key) {
  static const nlohmann::json empty;
  if (!object.is_object()) return empty;
  const auto found = object.find(key);
  return found != object.end() ? *found : empty;
}

[[nodiscard]] inline std::string text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace turnkeeper::op
