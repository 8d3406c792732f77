#include "operator/dry_run/changes.hpp"

#include <algorithm>
#include <array>

namespace turnkeeper::op {
namespace {

using nlohmann::json;

constexpr const char* hidden = "(hidden)";
constexpr std::size_t longest_value = 120;
constexpr std::array secret_fields{"data", "stringData"};
// What the API server writes by itself, at the top and in metadata.
constexpr std::array server_fields{"status"};
constexpr std::array server_metadata{"managedFields", "resourceVersion",   "generation",
                                     "uid",           "creationTimestamp", "deletionGracePeriodSeconds"};

bool is_secret(const json& object) {
  return object.value("kind", "") == "Secret";
}

std::string value_at(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  return object.contains(at) && object.at(at).is_string() ? object.at(at).get<std::string>() : std::string();
}

json without_server_fields(json object) {
  for (const char* field : server_fields) object.erase(field);
  if (auto metadata = object.find("metadata"); metadata != object.end()) {
    for (const char* field : server_metadata) metadata->erase(field);
  }
  return object;
}

// Entries that differ stay different, entries that are equal stay equal, and nothing can be read.
void hide_differences(json& before, json& after) {
  for (const char* field : secret_fields) {
    const auto old_entries = before.find(field);
    const auto new_entries = after.find(field);
    const auto has = [](const json& object, auto entries) { return entries != object.end() && entries->is_object(); };
    if (has(after, new_entries)) {
      for (auto& [name, value] : new_entries->items()) {
        const bool same = has(before, old_entries) && old_entries->contains(name) && old_entries->at(name) == value;
        value = same ? hidden : "(hidden, another one)";
      }
    }
    if (has(before, old_entries)) {
      for (auto& [name, value] : old_entries->items()) value = hidden;
    }
  }
}

std::string step(const std::string& path, const std::string& key) {
  // "metadata.annotations[example.org/owner]": a key with dots in it would read as a path.
  if (key.find_first_of("./") != std::string::npos) return path + '[' + key + ']';
  return path.empty() ? key : path + '.' + key;
}

// Kubernetes merges most lists of objects by their items' names: an item that was inserted is one change, not one for
// each item after it.
bool named(const json& list) {
  return !list.empty() && std::ranges::all_of(list, [](const json& item) {
    return item.is_object() && item.contains("name") && item["name"].is_string();
  });
}

class Comparison {
 public:
  std::vector<FieldChange> changes;

  void compare(const json& before, const json& after, const std::string& path) {
    if (before == after) return;
    if (before.is_object() && after.is_object()) {
      compare_objects(before, after, path);
    } else if (before.is_array() && after.is_array() && named(before) && named(after)) {
      compare_objects(by_name(before), by_name(after), path, true);
    } else if (before.is_array() && after.is_array() && before.size() == after.size()) {
      for (std::size_t i = 0; i < before.size(); ++i)
        compare(before[i], after[i], path + '[' + std::to_string(i) + ']');
    } else {
      compare_values(before, after, path);
    }
  }

 private:
  // A document in a string, such as the relay.json of a ConfigMap, is told by its own fields.
  void compare_values(const json& before, const json& after, const std::string& path) {
    const json old_document = document(before);
    const json new_document = document(after);
    if (old_document.is_object() && new_document.is_object() && old_document != new_document) {
      compare(old_document, new_document, path);
    } else {
      changes.push_back({path, before, after});
    }
  }

  static json document(const json& value) {
    return value.is_string() ? json::parse(value.get_ref<const std::string&>(), nullptr, false) : json();
  }

  static json by_name(const json& list) {
    json object = json::object();
    for (const auto& item : list) object[item["name"].get<std::string>()] = item;
    return object;
  }

  void compare_objects(const json& before, const json& after, const std::string& path, bool items = false) {
    json all = before;
    all.update(after);
    for (const auto& [key, unused] : all.items()) {
      const auto here = items ? path + '[' + key + ']' : step(path, key);
      if (!before.contains(key)) {
        changes.push_back({here, std::nullopt, after.at(key)});
      } else if (!after.contains(key)) {
        changes.push_back({here, before.at(key), std::nullopt});
      } else {
        compare(before.at(key), after.at(key), here);
      }
    }
  }
};

std::string value_text(const json& value) {
  auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > longest_value) {
    text.resize(longest_value);
    // Not in the middle of a character.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
    text += "...";
  }
  return text;
}

std::string field_text(const FieldChange& field) {
  if (!field.before) return "+ " + field.path + ": " + value_text(*field.after);
  if (!field.after) return "- " + field.path + ": " + value_text(*field.before);
  return "~ " + field.path + ": " + value_text(*field.before) + " -> " + value_text(*field.after);
}

const char* word(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::create:
      return "create";
    case Change::Kind::update:
      return "change";
    case Change::Kind::remove:
      return "delete";
  }
  return "";
}

}  // namespace

std::string object_title(const json& object) {
  const auto space = value_at(object, "/metadata/namespace");
  return value_at(object, "/kind") + ' ' + (space.empty() ? "" : space + '/') + value_at(object, "/metadata/name");
}

json without_secrets(json object) {
  if (!is_secret(object)) return object;
  for (const char* field : secret_fields) {
    const auto entries = object.find(field);
    if (entries == object.end() || !entries->is_object()) continue;
    for (auto& [name, value] : entries->items()) value = hidden;
  }
  return object;
}

std::vector<FieldChange> differences(const json& before, const json& after) {
  json old_object = without_server_fields(before);
  json new_object = without_server_fields(after);
  if (is_secret(after)) hide_differences(old_object, new_object);
  Comparison comparison;
  comparison.compare(old_object, new_object, "");
  return std::move(comparison.changes);
}

std::string text(const std::vector<Change>& changes) {
  std::string out;
  for (const auto& change : changes) {
    out += word(change.kind) + (' ' + change.object);
    if (!change.site.empty()) out += " at " + change.site;
    out += '\n';
    for (const auto& field : change.fields) out += "  " + field_text(field) + '\n';
  }
  return out;
}

}  // namespace turnkeeper::op
