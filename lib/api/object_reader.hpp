// Reads the fields of one JSON object into values, collecting problems instead of stopping at the first.
//
//   ObjectReader reader(report, object, "spec.relay");
//   reader.integer("replicas", relay.replicas, bounds::replicas);
//   if (auto ports = reader.object("ports")) { ports->integer("turn", relay.ports.turn, bounds::port); ports->finish();
//   } reader.finish();  // unknown fields
//
// A field that is absent or null leaves its value as it is: that is how defaults and overrides come about.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnkeeper/api/bounds.hpp"
#include "turnkeeper/api/problem.hpp"
#include "turnkeeper/api/yaml_document.hpp"

namespace turnkeeper::api {

// Where problems go.
struct ReadReport {
  Problems problems;
  const Places* places = nullptr;  // null: an object of the API server
  bool strict = true;              // unknown fields are problems

  void add(const std::string& field, std::string message, std::string advice);
};

class ObjectReader {
 public:
  // All three must outlive the reader. What is not an object is reported, and read as an empty one.
  ObjectReader(ReadReport& report, const nlohmann::json& object, std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(std::string_view key) const;
  // Null when absent.
  [[nodiscard]] const nlohmann::json* find(std::string_view key);
  void require(std::string_view key, std::string advice);

  // `valid` judges the text; `expected` completes "write ...".
  bool text(std::string_view key, std::string& out, std::size_t max_length, bool (*valid)(std::string_view) = nullptr,
            const char* expected = nullptr);
  void boolean(std::string_view key, bool& out);
  // Of money, as a text: "45", "0.01".
  void amount(std::string_view key, double& out);
  template <class T>
  void integer(std::string_view key, T& out, bounds::Bounds<std::int64_t> allowed) {
    if (const auto value = read_integer(key, allowed)) out = static_cast<T>(*value);
  }
  template <class D>
  void duration(std::string_view key, D& out, bounds::Bounds<D> allowed) {
    if (const auto value = read_duration(key, allowed.min, allowed.max)) out = std::chrono::duration_cast<D>(*value);
  }
  template <class E, std::size_t N>
  void choice(std::string_view key, E& out, const std::array<std::pair<std::string_view, E>, N>& names) {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (const auto chosen = choose(*value, path_of(key), names)) out = *chosen;
  }
  // A list of different words.
  template <class E, std::size_t N>
  void choices(std::string_view key, std::vector<E>& out, const std::array<std::pair<std::string_view, E>, N>& names) {
    const auto* value = find_list(key, 1, N);
    if (value == nullptr) return;
    out.clear();
    for (std::size_t i = 0; i < value->size(); ++i) {
      const auto chosen = choose((*value)[i], item_path(key, i), names);
      if (!chosen) continue;
      if (std::find(out.begin(), out.end(), *chosen) != out.end()) {
        report_.add(item_path(key, i), quoted((*value)[i]) + " is listed twice", "keep one of the two");
      } else {
        out.push_back(*chosen);
      }
    }
  }
  // A list of different texts; replaces what `out` holds. `check` says what is wrong with an item.
  void texts(std::string_view key, std::vector<std::string>& out, std::size_t max_items,
             const std::function<Result<void>(std::string_view)>& check);
  // Laid over the map, key by key.
  void text_map(std::string_view key, std::map<std::string, std::string>& out);
  [[nodiscard]] std::optional<ObjectReader> object(std::string_view key);
  // Null when absent or no list of that many items (which is reported then).
  [[nodiscard]] const nlohmann::json* find_list(std::string_view key, std::size_t min_items, std::size_t max_items);
  [[nodiscard]] std::string item_path(std::string_view key, std::size_t index) const;

  // Reports fields that nobody asked for.
  void finish();

 private:
  [[nodiscard]] static std::string quoted(const nlohmann::json& value);
  [[nodiscard]] std::optional<std::int64_t> read_integer(std::string_view key, bounds::Bounds<std::int64_t> allowed);
  [[nodiscard]] std::optional<std::chrono::milliseconds> read_duration(std::string_view key,
                                                                       std::chrono::milliseconds min,
                                                                       std::chrono::milliseconds max);
  [[nodiscard]] std::optional<std::size_t> choose_index(const nlohmann::json& value, const std::string& path,
                                                        const std::vector<std::string>& words);
  template <class E, std::size_t N>
  std::optional<E> choose(const nlohmann::json& value, const std::string& path,
                          const std::array<std::pair<std::string_view, E>, N>& names) {
    std::vector<std::string> words;
    for (const auto& [name, unused] : names) words.emplace_back(name);
    const auto index = choose_index(value, path, words);
    return index ? std::optional<E>(names[*index].second) : std::nullopt;
  }

  ReadReport& report_;
  const nlohmann::json* object_;
  std::string path_;
  std::vector<std::string> known_;
};

// What a value is, for a message: "a number", "true or false", "text", "a list", "a mapping".
[[nodiscard]] std::string type_text(const nlohmann::json& value);

}  // namespace turnkeeper::api
