// Reads the fields of a JSON object one by one, strictly: remembers the first thing that is wrong, and at the end knows
// which fields nobody asked for. For the documents that the operator writes for its agents.
//
//   std::optional<Error> error;
//   JsonFields fields(document, "", error);
//   fields.text("realm", realm);
//   fields.object("ports", [&](JsonFields& ports) { ports.number("turn", turn, 1); });
//   fields.refuse_others();
//   if (error) return fail(*error);
//
// A field that is missing leaves its variable as it is. After an error nothing is read any more.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "turnkeeper/base/result.hpp"

namespace turnkeeper::agent {

// An error says that it is not JSON.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text);

class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string path, std::optional<Error>& error);

  template <class Number>
  void number(const char* name, Number& out, std::uint64_t minimum = 0) {
    std::uint64_t value = out;
    if (number_up_to(name, value, minimum, std::numeric_limits<Number>::max())) out = static_cast<Number>(value);
  }
  void text(const char* name, std::string& out);
  void boolean(const char* name, bool& out);
  void texts(const char* name, std::vector<std::string>& out);
  template <class Read>
  void object(const char* name, Read read) {
    const nlohmann::json* value = find(name);
    if (value == nullptr) return;
    JsonFields fields(*value, within(name), error_);
    if (error_) return;
    read(fields);
    fields.refuse_others();
  }
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }
  void ignore_others() { others_allowed_ = true; }
  void refuse_others();
  void complain(const std::string& where, const std::string& what);

 private:
  [[nodiscard]] std::string within(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }
  const nlohmann::json* find(const char* name);
  bool number_up_to(const char* name, std::uint64_t& out, std::uint64_t minimum, std::uint64_t maximum);

  const nlohmann::json& object_;
  std::string path_;
  std::optional<Error>& error_;
  std::set<std::string> known_;
  bool others_allowed_ = false;
};

}  // namespace turnkeeper::agent
