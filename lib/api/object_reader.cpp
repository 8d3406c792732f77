#include "turnkeeper/api/object_reader.hpp"

#include <algorithm>

#include "turnkeeper/api/suggest.hpp"
#include "turnkeeper/api/text_forms.hpp"

namespace turnkeeper::api {
namespace {

const nlohmann::json empty_object = nlohmann::json::object();

// What somebody who wrote `name: no` or `realm: 123` should do.
std::string quote_advice(const nlohmann::json& value) {
  if (value.is_boolean()) return "YAML reads y, n, yes, no, on and off as true or false: put it in quotes";
  if (value.is_number()) return "put it in quotes";
  return "write a text";
}

}  // namespace

std::string type_text(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "true, not a text" : "false, not a text";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "text";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "a mapping";
  return "empty";
}

void ReadReport::add(const std::string& field, std::string message, std::string advice) {
  const auto place = places != nullptr ? places->value(field) : Place{};
  problems.push_back({field, std::move(message), std::move(advice), place.line, place.column});
}

ObjectReader::ObjectReader(ReadReport& report, const nlohmann::json& object, std::string path)
    : report_(report), object_(&object), path_(std::move(path)) {
  if (object.is_object()) return;
  report_.add(path_, "is " + type_text(object), "write a mapping, with one 'name: value' on each line");
  object_ = &empty_object;
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
}

std::string ObjectReader::item_path(std::string_view key, std::size_t index) const {
  return path_of(key) + '[' + std::to_string(index) + ']';
}

std::string ObjectReader::quoted(const nlohmann::json& value) {
  return "'" + (value.is_string() ? value.get<std::string>() : value.dump()) + "'";
}

const nlohmann::json* ObjectReader::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  const auto found = object_->find(std::string(key));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

void ObjectReader::require(std::string_view key, std::string advice) {
  if (find(key) == nullptr) report_.add(path_of(key), "is missing", std::move(advice));
}

bool ObjectReader::text(std::string_view key, std::string& out, std::size_t max_length, bool (*valid)(std::string_view),
                        const char* expected) {
  const auto* value = find(key);
  if (value == nullptr) return false;
  if (!value->is_string()) {
    report_.add(path_of(key), "is " + type_text(*value), quote_advice(*value));
    return false;
  }
  const auto& content = value->get_ref<const std::string&>();
  if (content.size() > max_length) {
    report_.add(path_of(key), "has " + std::to_string(content.size()) + " characters",
                "write at most " + std::to_string(max_length));
    return false;
  }
  if (valid != nullptr && !valid(content)) {
    report_.add(path_of(key), content.empty() ? "is empty" : quoted(*value) + " is not valid",
                std::string("write ") + expected);
    return false;
  }
  out = content;
  return true;
}

void ObjectReader::amount(std::string_view key, double& out) {
  std::string written;
  if (text(key, written, bounds::amount_length, is_amount, "an amount in quotes, such as \"45\" or \"0.01\"")) {
    out = std::stod(written);
  }
}

void ObjectReader::boolean(std::string_view key, bool& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (value->is_boolean()) {
    out = value->get<bool>();
  } else {
    report_.add(path_of(key), quoted(*value) + " is " + type_text(*value), "write true or false");
  }
}

std::optional<std::int64_t> ObjectReader::read_integer(std::string_view key, bounds::Bounds<std::int64_t> allowed) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto range = "a number from " + std::to_string(allowed.min) + " to " + std::to_string(allowed.max);
  if (value->is_string()) {
    const auto& content = value->get_ref<const std::string&>();
    const bool is_number = !content.empty() && content.find_first_not_of("0123456789") == std::string::npos;
    report_.add(path_of(key), quoted(*value) + " is text",
                is_number ? "write the number without quotes" : "write " + range);
    return std::nullopt;
  }
  if (!value->is_number_integer()) {
    report_.add(path_of(key),
                value->is_number() ? quoted(*value) + " is not a whole number" : "is " + type_text(*value),
                "write " + range);
    return std::nullopt;
  }
  const bool huge = value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX};
  const auto number = value->get<std::int64_t>();
  if (huge || number < allowed.min || number > allowed.max) {
    report_.add(path_of(key), value->dump() + " is out of range", "write " + range);
    return std::nullopt;
  }
  return number;
}

std::optional<std::chrono::milliseconds> ObjectReader::read_duration(std::string_view key,
                                                                     std::chrono::milliseconds min,
                                                                     std::chrono::milliseconds max) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto range = "a duration from " + duration_text(min) + " to " + duration_text(max);
  if (!value->is_string() && !value->is_number_integer()) {
    report_.add(path_of(key), "is " + type_text(*value), "write " + range);
    return std::nullopt;
  }
  const auto content = value->is_string() ? value->get<std::string>() : value->dump();
  const auto duration = parse_duration(content);
  if (!duration) {
    report_.add(path_of(key), duration.error().message, duration.error().advice);
    return std::nullopt;
  }
  if (*duration < min || *duration > max) {
    report_.add(path_of(key), "'" + content + "' is out of range", "write " + range);
    return std::nullopt;
  }
  return *duration;
}

std::optional<std::size_t> ObjectReader::choose_index(const nlohmann::json& value, const std::string& path,
                                                      const std::vector<std::string>& words) {
  if (!value.is_string()) {
    report_.add(path, "is " + type_text(value), "write " + alternatives(words));
    return std::nullopt;
  }
  const auto& content = value.get_ref<const std::string&>();
  const auto found = std::find(words.begin(), words.end(), content);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  report_.add(path, "'" + content + "' is not supported", suggestion(content, words));
  return std::nullopt;
}

void ObjectReader::texts(std::string_view key, std::vector<std::string>& out, std::size_t max_items,
                         const std::function<Result<void>(std::string_view)>& check) {
  const auto* value = find_list(key, 0, max_items);
  if (value == nullptr) return;
  out.clear();
  for (std::size_t i = 0; i < value->size(); ++i) {
    const auto& item = (*value)[i];
    if (!item.is_string()) {
      report_.add(item_path(key, i), "is " + type_text(item), quote_advice(item));
      continue;
    }
    const auto& content = item.get_ref<const std::string&>();
    if (const auto checked = check(content); !checked) {
      report_.add(item_path(key, i), checked.error().message, checked.error().advice);
    } else if (std::find(out.begin(), out.end(), content) != out.end()) {
      report_.add(item_path(key, i), quoted(item) + " is listed twice", "keep one of the two");
    } else {
      out.push_back(content);
    }
  }
}

void ObjectReader::text_map(std::string_view key, std::map<std::string, std::string>& out) {
  const auto* value = find(key);
  if (value == nullptr) return;
  if (!value->is_object()) {
    report_.add(path_of(key), "is " + type_text(*value), "write a mapping of names to texts");
    return;
  }
  if (value->size() > bounds::map_entries) {
    report_.add(path_of(key), "has " + std::to_string(value->size()) + " entries",
                "write at most " + std::to_string(bounds::map_entries));
    return;
  }
  for (const auto& [name, item] : value->items()) {
    if (item.is_string()) {
      out[name] = item.get<std::string>();
    } else {
      report_.add(path_of(key) + '.' + name, "is " + type_text(item), quote_advice(item));
    }
  }
}

std::optional<ObjectReader> ObjectReader::object(std::string_view key) {
  const auto* value = find(key);
  if (value == nullptr) return std::nullopt;
  return ObjectReader(report_, *value, path_of(key));
}

const nlohmann::json* ObjectReader::find_list(std::string_view key, std::size_t min_items, std::size_t max_items) {
  const auto* value = find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    report_.add(path_of(key), "is " + type_text(*value), "write a list, with '- ' before each item");
    return nullptr;
  }
  if (value->size() < min_items || value->size() > max_items) {
    report_.add(path_of(key), value->empty() ? "is empty" : "has " + std::to_string(value->size()) + " items",
                "list " + std::to_string(min_items) + " to " + std::to_string(max_items));
    return nullptr;
  }
  return value;
}

void ObjectReader::finish() {
  if (!report_.strict) return;
  for (const auto& [key, unused] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto field = path_of(key);
    Place place;
    if (report_.places != nullptr) {
      if (const auto found = report_.places->keys.find(field); found != report_.places->keys.end())
        place = found->second;
    }
    auto advice = suggestion(key, known_);
    report_.problems.push_back({field, "there is no such field", std::move(advice), place.line, place.column});
  }
}

}  // namespace turnkeeper::api
