// A JSON value as its text, the same that nlohmann's dump() makes: several times as fast, since it looks at a string's
// bytes and not at its characters. That they are UTF-8 is for others to say. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace turnkeeper::kube {

[[nodiscard]] std::string json_text(const nlohmann::json& value);

}  // namespace turnkeeper::kube
