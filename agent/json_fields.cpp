#include "agent/json_fields.hpp"

#include <algorithm>

namespace turnkeeper::agent {
namespace {

using nlohmann::json;

constexpr const char* who_writes_it = "the operator writes this file; its version and the agent's should be the same";

}  // namespace

Result<json> parse_json(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    return fail(std::string("not JSON: ") + error.what(), who_writes_it);
  }
}

JsonFields::JsonFields(const json& object, std::string path, std::optional<Error>& error)
    : object_(object), path_(std::move(path)), error_(error) {
  if (!object_.is_object()) complain(path_.empty() ? "the document" : path_, "must be an object");
}

bool JsonFields::number_up_to(const char* name, std::uint64_t& out, std::uint64_t minimum, std::uint64_t maximum) {
  const json* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() < minimum || value->get<std::uint64_t>() > maximum) {
    complain(within(name), "must be a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
    return false;
  }
  out = value->get<std::uint64_t>();
  return true;
}

void JsonFields::text(const char* name, std::string& out) {
  const json* value = find(name);
  if (value == nullptr) return;
  if (!value->is_string()) return complain(within(name), "must be a string");
  out = value->get<std::string>();
}

void JsonFields::boolean(const char* name, bool& out) {
  const json* value = find(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return complain(within(name), "must be true or false");
  out = value->get<bool>();
}

void JsonFields::texts(const char* name, std::vector<std::string>& out) {
  const json* value = find(name);
  if (value == nullptr) return;
  const auto is_text = [](const json& element) { return element.is_string(); };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), is_text)) {
    return complain(within(name), "must be a list of strings");
  }
  out = value->get<std::vector<std::string>>();
}

void JsonFields::refuse_others() {
  if (error_ || others_allowed_) return;
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) complain(within(name), "is not a known field");
  }
}

void JsonFields::complain(const std::string& where, const std::string& what) {
  if (!error_) error_ = Error{where + " " + what, who_writes_it};
}

const json* JsonFields::find(const char* name) {
  known_.insert(name);
  if (error_) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

}  // namespace turnkeeper::agent
